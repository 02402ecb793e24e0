import Events
import LMDB
import Ledger
import Projections

/// Records of several positions at once: what lies together is read within one view of its file.
extension Store {
    /// Lends the trail records and stored bodies of folded events, each with its place among `positions`. What is beyond what is folded, or has
    /// left the log, is left out. Goes on as long as `body` says so. Otherwise as `withRecord`.
    func withRecords(
        _ positions: [Position], asFarAsItGoes: Bool = false, _ body: (Int, UnsafeRawBufferPointer, UnsafeRawBufferPointer) -> Bool
    ) throws(ArchiveFailure) {
        let extents = try extents(of: positions)
        var start = 0
        var goesOn = true
        while goesOn, start < positions.count {
            guard let extent = extents[start] else {
                start += 1
                continue
            }
            switch try whereabouts(of: positions[start], in: extent.partition, asFarAsItGoes: asFarAsItGoes) {
            case .tombstone(let stone, _):
                let record = stone.record(at: positions[start])
                record?.withUnsafeBytes { goesOn = body(start, $0, UnsafeRawBufferPointer(start: nil, count: 0)) }
                start += 1
            case .partition(let lease):
                // A later run of the same partition may be in a tombstone, and this one not.
                let end = extents[start...].firstIndex { $0 != extent } ?? positions.count
                do {
                    try lease.partition.environment.read { reader in
                        for index in start..<end where goesOn {
                            goesOn = try Self.lend(positions[index], in: lease.partition, reader) { body(index, $0, $1) }
                        }
                    }
                } catch { throw ArchiveFailure(error) }
                start = end
            }
        }
    }

    /// The runs in which positions lie, each at the place of its position.
    private func extents(of positions: [Position]) throws(ArchiveFailure) -> [Extent?] {
        do {
            return try state.environment.read { reader in
                var last: Extent?
                return try positions.map { position in
                    if let last, last.first <= position, position <= last.last { return last }
                    last = try extent(of: position, reader)
                    return last
                }
            }
        } catch { throw ArchiveFailure(error) }
    }
}

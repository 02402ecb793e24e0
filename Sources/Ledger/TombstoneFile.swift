package import Events
import Glibc
package import Merkle

/// A tombstone on disk: header, leaf hashes, head, trailer. Written front to back, and read from its end.
package struct TombstoneFile: Sendable {
    package let path: String

    /// Reads and checks the head. The hashes are not looked at: they add up to the root that the head names.
    package func read(_ partition: PartitionID) throws(LedgerFailure) -> Tombstone {
        let file = try PlainFile(path, O_RDONLY)
        let length = try file.length()
        guard length >= Tombstone.headerBytes + Tombstone.trailerBytes else { throw damaged }
        let trailer = try file.read(at: length - Tombstone.trailerBytes, Tombstone.trailerBytes)
        let headBytes = trailer.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
        let room = length - Tombstone.headerBytes - Tombstone.trailerBytes
        // Whatever the trailer says is checked before so much is allocated.
        guard let headBytes = Int(exactly: headBytes), (Tombstone.headBytesMin...Tombstone.headBytesMax).contains(headBytes),
            headBytes <= room
        else { throw damaged }
        let (start, leaves) = (length - Tombstone.trailerBytes - headBytes, UInt64(room - headBytes))
        let totals = try file.read(at: start, Tombstone.headBytesMin)
        guard leaves.quotientAndRemainder(dividingBy: UInt64(TreeHash.byteCount)) == (Tombstone.events(ofHead: totals), 0) else {
            throw damaged
        }
        guard
            let stone = Tombstone(
                partition: partition, head: try file.read(at: start, headBytes), digest: Array(trailer.dropFirst(8))),
            try file.read(at: 0, Tombstone.headerBytes) == Tombstone.header(partition)
        else { throw damaged }
        return stone
    }

    /// Nil where there is no file, and for one that is no tombstone or whose hashes are damaged.
    package func find(_ partition: PartitionID) throws(LedgerFailure) -> Tombstone? {
        guard access(path, F_OK) == 0 else { return nil }
        do throws(LedgerFailure) {
            let stone = try read(partition)
            try check(stone)
            return stone
        } catch {
            if case .damaged = error { return nil }
            throw error
        }
    }

    /// Calls `body` with slices of the leaf hashes, in order of position.
    package func forEachSlice(
        of stone: Tombstone, _ body: ([TreeHash]) throws(LedgerFailure) -> Void
    ) throws(LedgerFailure) {
        let file = try PlainFile(path, O_RDONLY)
        let count = Int(stone.totals.events)
        for start in stride(from: 0, to: count, by: Self.sliceHashes) {
            try body(hashes(in: file, start..<min(start + Self.sliceHashes, count)))
        }
    }

    /// Reads the hashes back: together they must make the stone's root.
    package func check(_ stone: Tombstone) throws(LedgerFailure) {
        var frontier = Frontier()
        try forEachSlice(of: stone) { hashes throws(LedgerFailure) in for hash in hashes { frontier.append(hash) } }
        guard frontier.root == stone.root else {
            throw .damaged(path: path, table: "tombstone", reason: "its hashes do not make its root")
        }
    }

    /// Reads the hashes of the records that the stone keeps: anybody can make a digest, so the records must be those that were hashed.
    package func checkKept(_ stone: Tombstone) throws(LedgerFailure) {
        if stone.kept.isEmpty { return }
        let file = try PlainFile(path, O_RDONLY)
        var before = 0
        var rest = stone.kept[...]
        for run in stone.runs {
            while let one = rest.first, one.position <= run.last {
                let place = before + Int(one.position.rawValue - run.first.rawValue)
                guard try hashes(in: file, place..<place + 1) == [one.leaf] else {
                    throw .damaged(
                        path: path, table: "tombstone", reason: "the record \(one.position) that it keeps is not the one that was there")
                }
                rest = rest.dropFirst()
            }
            before += Int(run.count)
        }
    }

    private static let sliceHashes = 4096

    /// The leaf hashes of positions that lie in one of the stone's runs.
    package func leaves(of stone: Tombstone, _ positions: ClosedRange<Position>) throws -> [TreeHash] {
        var before: UInt64 = 0
        for run in stone.runs.prefix(while: { $0.last < positions.lowerBound }) { before += run.count }
        guard let run = stone.run(of: positions.lowerBound), run.last >= positions.upperBound else {
            preconditionFailure("the positions are in one run of the stone because whoever asks has looked")
        }
        let first = Int(before + positions.lowerBound.rawValue - run.first.rawValue)
        let end = first + Int(positions.upperBound.rawValue - positions.lowerBound.rawValue + 1)
        let file = try PlainFile(path, O_RDONLY)
        var leaves: [TreeHash] = []
        for start in stride(from: first, to: end, by: Self.sliceHashes) {
            leaves += try hashes(in: file, start..<min(start + Self.sliceHashes, end))
        }
        return leaves
    }

    private func hashes(in file: borrowing PlainFile, _ range: Range<Int>) throws(LedgerFailure) -> [TreeHash] {
        let bytes = try file.read(at: Tombstone.headerBytes + range.lowerBound * TreeHash.byteCount, range.count * TreeHash.byteCount)
        return stride(from: 0, to: bytes.count, by: TreeHash.byteCount).compactMap { start in
            TreeHash(stored: bytes[start..<start + TreeHash.byteCount])
        }
    }

    private var damaged: LedgerFailure { .damaged(path: path, table: "tombstone", reason: "its bytes make no sense") }
}

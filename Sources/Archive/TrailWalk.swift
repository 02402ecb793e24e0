import Events
import LMDB
import Ledger

/// Goes through the trail of a partition in order of position, a slice under each snapshot.
struct TrailWalk {
    private let partition: Partition
    private var place: Position
    private let end: Position
    private let sliceMax: Int

    /// A record as it lies there, and what its head says.
    struct Row {
        var fields: TrailFields
        var record: [UInt8]

        var position: Position { fields.position }

        func event() throws(TrailFault) -> Event { try Event(decoding: record) }
    }

    init(of partition: Partition, from first: Position = .first, through last: Position = .last, sliceMax: Int = 10_000) {
        self.partition = partition
        place = first
        end = last
        self.sliceMax = sliceMax
    }

    /// The next records, or nil at the end.
    mutating func next() throws -> [Row]? {
        var found: [Row] = []
        try partition.environment.read { reader in
            var cursor = try reader.cursor(in: partition.trail)
            var isThere = try cursor.seek(atLeast: place.key.span.bytes)
            while isThere, found.count < sliceMax, let position = cursor.key.word(0), position <= end.rawValue {
                let row = try row(cursor.value)
                guard row.position.rawValue == position, position <= Int64.max else { throw damaged(.malformed("position")) }
                found.append(row)
                isThere = try cursor.next()
            }
        }
        guard let last = found.last else { return nil }
        place = last.position.next
        return found
    }

    private func row(_ value: RawSpan) throws(ArchiveFailure) -> Row {
        let record = value.withUnsafeBytes { [UInt8]($0) }
        let fields = record.withUnsafeBytes { bytes in Result { () throws(TrailFault) in try TrailFields(parsing: bytes) } }
        do { return Row(fields: try fields.get(), record: record) } catch { throw damaged(error) }
    }

    private func damaged(_ fault: TrailFault) -> ArchiveFailure { .damaged(place: partition.environment.path, fault) }
}

import Events
import LMDB
import Ledger

/// Goes through the trail of a partition in order of position, a slice under each snapshot.
struct TrailWalk {
    private let partition: Partition
    private var place = Position.first
    private let sliceMax: Int

    /// A record as it lies there, and what its head says.
    struct Row {
        var fields: TrailFields
        var record: [UInt8]

        var position: Position { fields.position }

        func event() throws(TrailFault) -> Event { try Event(decoding: record) }
    }

    init(of partition: Partition, sliceMax: Int = 10_000) {
        self.partition = partition
        self.sliceMax = sliceMax
    }

    /// The next records, or nil at the end.
    mutating func next() throws -> [Row]? {
        var found: [Row] = []
        try partition.environment.read { reader in
            var cursor = try reader.cursor(in: partition.trail)
            var isThere = try cursor.seek(atLeast: place.key.span.bytes)
            while isThere, found.count < sliceMax {
                let record = cursor.value.withUnsafeBytes { [UInt8]($0) }
                let fields = try record.withUnsafeBytes { try TrailFields(parsing: $0) }
                guard fields.position.rawValue == cursor.key.word(0) else { throw TrailFault.malformed("position") }
                found.append(Row(fields: fields, record: record))
                isThere = try cursor.next()
            }
        }
        guard let last = found.last else { return nil }
        place = last.position.next
        return found
    }
}

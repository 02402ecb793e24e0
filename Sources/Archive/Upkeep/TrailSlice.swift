import Events
import LMDB
import Ledger
import Projections
import Vault

/// Some consecutive rows of a partition's trail, and what they mean to it and to the state.
struct TrailSlice {
    private(set) var all = Meaning()
    /// As far as the state may know; nil for all of it.
    private var part: Meaning?
    private(set) var first = Position.none

    var forState: Meaning { part ?? all }

    /// So many events are held in memory at once.
    private static let eventsMax = 50_000

    /// Nil behind the last row.
    init?(
        of partition: Partition, after position: Position?, stateEnd: Position, _ fingerprints: Fingerprints
    ) throws {
        try partition.environment.read { reader in
            var cursor = try reader.cursor(in: partition.trail)
            let start = (position?.next ?? .first).key
            var isThere = try cursor.seek(atLeast: start.span.bytes)
            while isThere, all.events < Self.eventsMax {
                let key =
                    try reader.lend(cursor.key, in: partition.bodies) { stored in
                        stored.withUnsafeBytes { SealedBody.keyID(of: $0) }
                    } ?? nil
                try cursor.value.withUnsafeBytes { record in
                    let fields = try TrailFields(parsing: record)
                    let position = fields.position.rawValue
                    guard position == cursor.key.word(0), position <= Int64.max else { throw TrailFault.malformed("position") }
                    if part == nil, fields.position > stateEnd { part = all }
                    try all.add(fields, record, key: key, fingerprints: fingerprints)
                }
                if first == .none { first = all.last }
                isThere = try cursor.next()
            }
        }
        if all.events == 0 { return nil }
    }
}

import Events
import LMDB
import Ledger
import Vault

/// Goes through the sealed bodies of a partition, in order of position, a slice under each snapshot.
struct BodyWalk {
    private let partition: Partition
    private var place = Position.first
    private let sliceMax: Int

    /// A body that is there, and what its record says of it.
    struct Sealed {
        var position: Position
        var key: KeyID
        var tenant: TenantID
        var at: Instant
        var send: Send
    }

    init(of partition: Partition, sliceMax: Int = 2_000) {
        self.partition = partition
        self.sliceMax = sliceMax
    }

    /// The next bodies, or nil at the end. Those that are of no key are left out.
    mutating func next() throws -> [Sealed]? {
        var found: [Sealed] = []
        var isEnd = true
        try partition.environment.read { reader in
            var cursor = try reader.cursor(in: partition.bodies)
            var isThere = try cursor.seek(atLeast: place.key.span.bytes)
            var visits = 0
            while isThere {
                guard visits < sliceMax else {
                    isEnd = false
                    break
                }
                visits += 1
                guard let word = cursor.key.word(0), word > 0, word <= Int64.max else { throw damaged("key of a body") }
                let position = Position(word)
                place = position.next
                let key = cursor.value.withUnsafeBytes { SealedBody.keyID(of: $0) }
                if let key { found.append(try sealed(position, key, reader)) }
                isThere = try cursor.next()
            }
        }
        return found.isEmpty && isEnd ? nil : found
    }

    private func sealed(_ position: Position, _ key: KeyID, _ reader: Reader) throws -> Sealed {
        let place = position.key
        guard let record = try reader.value(of: place.span.bytes, in: partition.trail) else {
            throw damaged("trail, which lacks \(position)")
        }
        let event = try record.withUnsafeBytes { (record) throws(TrailFault) in try Event(decoding: record) }
        guard case .send(let send) = event.deed, let tenant = event.tenant else {
            throw damaged("body at \(position), which no message has")
        }
        return Sealed(position: position, key: key, tenant: tenant, at: event.at, send: send)
    }

    private func damaged(_ what: String) -> ArchiveFailure { .damaged(place: partition.environment.path, .malformed(what)) }
}

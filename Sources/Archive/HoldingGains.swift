import Events
import Projections
import Vault

/// What a partition gains of bodies, by key, conversation and sender. Grouped by fingerprint, told apart by name.
struct HoldingGains {
    private(set) var keys: Set<KeyID> = []
    private var all: [Gain] = []
    private var firstOf: [Place: Int] = [:]

    private struct Place: Hashable {
        var key: KeyID
        var conversation: Fingerprint
        var sender: Fingerprint
    }

    fileprivate struct Gain {
        var key: KeyID
        var tenant: [UInt8]
        var conversation: [UInt8]
        var sender: [UInt8]
        var messages: UInt64 = 0
        var bytes: UInt64 = 0
        var first: Instant
        var last: Instant
        /// The next one of the same fingerprints; hardly ever there.
        var sibling: Int?
    }

    mutating func add(
        _ key: KeyID, tenant: UnsafeRawBufferPointer, _ conversation: Fingerprint, _ name: UnsafeRawBufferPointer,
        sender: UnsafeRawBufferPointer, at: Instant, bodyBytes: UInt64, _ fingerprints: Fingerprints
    ) {
        let place = Place(key: key, conversation: conversation, sender: fingerprints.of(sender, in: tenant))
        var index = firstOf[place]
        while let found = index, !all[found].isOf(tenant, name, sender) { index = all[found].sibling }
        if index == nil {
            all.append(
                Gain(
                    key: key, tenant: [UInt8](tenant), conversation: [UInt8](name), sender: [UInt8](sender), first: at, last: at,
                    sibling: firstOf[place]))
            index = all.count - 1
            firstOf[place] = index
            keys.insert(key)
        }
        guard let index else { return }
        all[index].messages += 1
        all[index].bytes += bodyBytes
        all[index].first = min(all[index].first, at)
        all[index].last = max(all[index].last, at)
    }

    /// What a partition's holdings gain.
    func counted() throws(TrailFault) -> [PartitionIndex.Holding] {
        do {
            return try all.map { gain in
                PartitionIndex.Holding(
                    key: gain.key.rawValue, tenant: try TenantID(gain.tenant), conversation: try ConversationID(gain.conversation),
                    sender: try UserID(gain.sender), messages: gain.messages, bytes: gain.bytes, first: gain.first, last: gain.last)
            }
        } catch { throw .malformed("name") }
    }
}

extension HoldingGains.Gain {
    fileprivate func isOf(_ tenant: UnsafeRawBufferPointer, _ name: UnsafeRawBufferPointer, _ sender: UnsafeRawBufferPointer) -> Bool {
        self.conversation.elementsEqual(name) && self.sender.elementsEqual(sender) && self.tenant.elementsEqual(tenant)
    }
}

import Events
import Projections
import Vault

/// What a partition gains of bodies, by key, conversation and sender. Grouped by fingerprint, told apart by name.
struct HoldingGains {
    private(set) var keys: Set<KeyID> = []
    private(set) var all: [PartitionIndex.HoldingGain] = []
    /// Of each: the next one of the same fingerprints; hardly ever there.
    private var siblings: [Int?] = []
    private var firstOf: [Place: Int] = [:]

    private struct Place: Hashable {
        var key: KeyID
        var conversation: Fingerprint
        var sender: Fingerprint
    }

    mutating func add(
        _ key: KeyID, tenant: UnsafeRawBufferPointer, _ conversation: Fingerprint, _ name: UnsafeRawBufferPointer,
        sender: UnsafeRawBufferPointer, at: Instant, bodyBytes: UInt64, _ fingerprints: Fingerprints
    ) throws(TrailFault) {
        let place = Place(key: key, conversation: conversation, sender: fingerprints.of(sender, in: tenant))
        let first = firstOf[place]
        var index = first
        while let found = index, !all[found].isOf(tenant, name, sender) { index = siblings[found] }
        if let index { return all[index].add(at: at, bytes: bodyBytes) }
        do {
            all.append(try .init(key: key.rawValue, checking: tenant, name, sender, at: at, bytes: bodyBytes))
        } catch { throw .malformed("name") }
        siblings.append(first)
        firstOf[place] = all.count - 1
        keys.insert(key)
    }
}

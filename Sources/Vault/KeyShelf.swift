import Events

/// The keys that are there, each in its slot of locked memory, and what is known of them.
struct KeyShelf: ~Copyable, Sendable {
    static let keyBytes = 32

    private var entries: [KeyID: Entry] = [:]
    /// In the order of the ids, which is that in which they were made.
    private var idsByOwner: [KeyOwner: [KeyID]] = [:]
    private var slabs: [KeySlab] = []
    private var freeSlots: [Int] = []
    private var states: CipherStates
    private(set) var unsaved: Set<KeyID> = []

    private struct Entry {
        var owner: KeyOwner
        var slot: Int
    }

    init() throws(VaultFailure) { states = try CipherStates() }

    var count: Int { entries.count }
    var isMemoryLocked: Bool { states.isMemoryLocked && slabs.allSatisfy(\.isMemoryLocked) }

    func contains(_ id: KeyID) -> Bool { entries[id] != nil }
    func owner(of id: KeyID) -> KeyOwner? { entries[id]?.owner }

    func newest(of owner: KeyOwner, except retired: Set<KeyID>) -> KeyID? {
        idsByOwner[owner]?.last { !retired.contains($0) }
    }

    /// What there is but `ids`, by id.
    func entries(except ids: Set<KeyID> = []) -> [KeyringBox.Entry] {
        entries.keys.filter { !ids.contains($0) }.sorted().compactMap { id in
            entries[id].map { KeyringBox.Entry(id: id, owner: $0.owner) }
        }
    }

    func unsavedEntries() -> [KeyringBox.Entry] {
        unsaved.sorted().compactMap { id in entries[id].map { KeyringBox.Entry(id: id, owner: $0.owner) } }
    }

    /// Lends a key.
    func withKey<Result>(_ id: KeyID, _ body: (UnsafeRawBufferPointer) -> Result) -> Result? {
        guard let slot = entries[id]?.slot else { return nil }
        return unsafe body(UnsafeRawBufferPointer(room(of: slot)))
    }

    /// Lends the prepared state of a key.
    mutating func withState<Result>(of id: KeyID, _ body: (CipherStates.Pointer) -> Result) -> Result? {
        guard let slot = entries[id]?.slot else { return nil }
        let key = unsafe UnsafeRawBufferPointer(room(of: slot))
        return unsafe body(states.state(of: id, key: key))
    }

    /// Takes a key, which `fill` puts into its slot.
    mutating func add(_ id: KeyID, _ owner: KeyOwner, isSaved: Bool, fill: (UnsafeMutableRawBufferPointer) -> Void) throws(VaultFailure) {
        precondition(entries[id] == nil, "because an id is never given to a second key")
        if freeSlots.isEmpty {
            freeSlots = (slabs.count * KeySlab.slots..<(slabs.count + 1) * KeySlab.slots).reversed()
            slabs.append(try KeySlab())
        }
        let slot = freeSlots.removeLast()
        unsafe fill(room(of: slot))
        entries[id] = Entry(owner: owner, slot: slot)
        var ids = idsByOwner[owner, default: []]
        ids.append(id)
        if ids.count > 1, ids[ids.count - 2] > id { ids.sort() }
        idsByOwner[owner] = ids
        if !isSaved { unsaved.insert(id) }
    }

    mutating func noteSaved() { unsaved.removeAll() }

    /// Wipes keys and all that was made of them.
    mutating func remove(_ ids: Set<KeyID>) {
        for id in ids {
            guard let entry = entries.removeValue(forKey: id) else { continue }
            unsafe Sodium.wipe(room(of: entry.slot))
            states.remove(id)
            freeSlots.append(entry.slot)
            unsaved.remove(id)
            idsByOwner[entry.owner]?.removeAll { $0 == id }
            if idsByOwner[entry.owner]?.isEmpty == true { idsByOwner[entry.owner] = nil }
        }
    }

    private func room(of slot: Int) -> UnsafeMutableRawBufferPointer { unsafe slabs[slot / KeySlab.slots].room(of: slot % KeySlab.slots) }
}

/// 64 KiB of locked memory for keys: pages are locked by the system, one call for many of them.
private final class KeySlab: Sendable {
    static let slots = (64 << 10) / KeyShelf.keyBytes

    private let memory: LockedMemory

    init() throws(VaultFailure) { memory = try LockedMemory(byteCount: Self.slots * KeyShelf.keyBytes) }

    var isMemoryLocked: Bool { memory.isLocked }

    /// Lives as long as the slab does, and a shelf never gives one back.
    func room(of slot: Int) -> UnsafeMutableRawBufferPointer {
        unsafe memory.bytes.part(slot * KeyShelf.keyBytes..<(slot + 1) * KeyShelf.keyBytes)
    }
}

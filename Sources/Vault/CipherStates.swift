import CSodium

/// Keys prepared for AES-256-GCM (round keys and powers of the hash key), the most recently used ones, in locked memory.
///
/// Every seal and every opening goes over them: libsodium's calls that take a bare key leave its round keys on the stack.
struct CipherStates: ~Copyable, Sendable {
    typealias Pointer = UnsafePointer<crypto_aead_aes256gcm_state>

    private let memory: LockedMemory
    private var places: [KeyID: Int] = [:]
    private var holders = [KeyID?](repeating: nil, count: Self.countMax)
    private var lastUses = [UInt64](repeating: 0, count: Self.countMax)
    private var uses: UInt64 = 0

    static let countMax = 128
    private static let stateBytes = MemoryLayout<crypto_aead_aes256gcm_state>.stride

    init() throws(VaultFailure) {
        memory = try LockedMemory(byteCount: Self.countMax * Self.stateBytes)
    }

    var isMemoryLocked: Bool { memory.isLocked }

    /// The state of a key, good until the next call.
    mutating func state(of id: KeyID, key: UnsafeRawBufferPointer) -> Pointer {
        uses += 1
        let place = places[id] ?? leastUsed()
        lastUses[place] = uses
        let state = unsafe room(of: place).baseAddress!.assumingMemoryBound(to: crypto_aead_aes256gcm_state.self)
        if holders[place] != id {
            if let before = holders[place] { places[before] = nil }
            unsafe crypto_aead_aes256gcm_beforenm(state, key.start!)
            Sodium.wipeStack()
            holders[place] = id
            places[id] = place
        }
        return unsafe Pointer(state)
    }

    mutating func remove(_ id: KeyID) {
        guard let place = places.removeValue(forKey: id) else { return }
        unsafe Sodium.wipe(room(of: place))
        holders[place] = nil
        lastUses[place] = 0
    }

    private func leastUsed() -> Int {
        lastUses.indices.min { lastUses[$0] < lastUses[$1] } ?? 0
    }

    private func room(of place: Int) -> UnsafeMutableRawBufferPointer {
        unsafe memory.bytes.part(place * Self.stateBytes..<(place + 1) * Self.stateBytes)
    }
}

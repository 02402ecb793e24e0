import CSodium

/// The key that the keyring is sealed under: 256 random bits in locked memory, wiped with their last user.
package final class RootKey: Sendable {
    static let byteCount = 32

    let id: RootKeyID
    private let memory: LockedMemory

    /// Made of bytes that `fill` puts into locked memory.
    init(_ fill: (UnsafeMutableRawBufferPointer) throws(VaultFailure) -> Void) throws(VaultFailure) {
        let memory = try LockedMemory(byteCount: Self.byteCount)
        try unsafe fill(memory.bytes)
        id = unsafe RootKeyID(of: UnsafeRawBufferPointer(memory.bytes))
        self.memory = memory
    }

    static func random() throws(VaultFailure) -> RootKey {
        try unsafe RootKey { (bytes) throws(VaultFailure) in unsafe Sodium.fillRandomly(bytes) }
    }

    var isMemoryLocked: Bool { memory.isLocked }

    /// Lends the key. Only for who keeps root keys (`RootKeySource`) and who seals with them.
    func withBytes<Result, Failure>(_ body: (UnsafeRawBufferPointer) throws(Failure) -> Result) throws(Failure) -> Result {
        try unsafe body(UnsafeRawBufferPointer(memory.bytes))
    }
}

/// Which root key it is, and nothing else of it: a BLAKE2b of 16 bytes, keyed with the root key itself.
struct RootKeyID: Hashable, Sendable {
    static let byteCount = 16

    let bytes: [UInt8]

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    fileprivate init(of key: UnsafeRawBufferPointer) {
        let purpose = Array("annals root key id".utf8)
        bytes = unsafe [UInt8](unsafeUninitializedCapacity: Self.byteCount) { id, count in
            let code = unsafe crypto_generichash(
                id.baseAddress!, Self.byteCount, purpose, UInt64(purpose.count), key.start, key.count)
            precondition(code == 0, "because these lengths are within what crypto_generichash takes")
            count = Self.byteCount
        }
        Sodium.wipeStack()
    }
}

import CSodium
import Glibc

/// A root key in a file of ours, sealed under a master key that is made of a systemd credential (systemd.exec(5), `LoadCredential=`).
///
/// A credential cannot be rewritten by the service that is given it, so it is not itself the root key, which every shred replaces.
/// The file: magic 8 | version u32 BE | nonce 24 | XChaCha20-Poly1305 of the root key 32 | tag 16; magic and version are associated data.
package struct RootKeyCredential: RootKeySource {
    private let credential: String
    private let file: RotatedFile

    private static let magic = Array("ANNALSRK".utf8) + [0, 0, 0, 1]
    private static let nonceBytes = 24
    private static let tagBytes = 16
    private static let byteCount = 12 + nonceBytes + RootKey.byteCount + tagBytes
    private static let credentialBytes = 32...(1 << 16)

    /// - Parameters:
    ///   - directory: what systemd passes in as `$CREDENTIALS_DIRECTORY`.
    ///   - path: the file in which the sealed root key lies.
    package init(directory: String, name: String, file path: String) {
        credential = directory + "/" + name
        file = RotatedFile(path: path)
    }

    package var place: String { file.path }

    package func candidates() throws(VaultFailure) -> RootKeyCandidates {
        let master = try masterKey()
        var found = RootKeyCandidates()
        let current = try unsafe file.read(staged: false) { (sealed) throws(VaultFailure) in try unsafe Self.open(sealed, master) }
        found.current = current ?? nil
        if let current, current == nil {
            found.fault = .refused(
                path: place,
                reason: "is no root key sealed under the credential \(credential); restore the two that belong together from the escrow")
        }
        found.staged =
            try unsafe file.read(staged: true) { (sealed) throws(VaultFailure) in try unsafe Self.open(sealed, master) } ?? nil
        return found
    }

    package func stage(_ key: RootKey) throws(VaultFailure) {
        let sealed = try Self.seal(key, masterKey())
        try unsafe sealed.withUnsafeBufferPointer { (sealed) throws(VaultFailure) in
            try unsafe file.stage(UnsafeRawBufferPointer(sealed))
        }
    }

    package func adopt(overwritten: () -> Void) throws(VaultFailure) { try file.adopt(overwritten: overwritten) }

    package func forgetStaged() throws(VaultFailure) { try file.forgetStaged() }

    /// BLAKE2b of the credential, keyed with what it is for.
    private func masterKey() throws(VaultFailure) -> RootKey {
        guard let file = try VaultFile(ifThere: credential, O_RDONLY) else { throw .missing(what: "credential", path: credential) }
        let memory = try LockedMemory(byteCount: Self.credentialBytes.upperBound + 1)
        let count = try unsafe file.read(into: memory.bytes, at: 0)
        guard Self.credentialBytes.contains(count) else {
            throw .refused(
                path: credential,
                reason: "has \(count > Self.credentialBytes.upperBound ? "too many" : "\(count)") bytes; "
                    + "make a credential of \(Self.credentialBytes.lowerBound) random bytes or more")
        }
        let purpose = Array("annals root key master v1".utf8)
        return try unsafe RootKey { (master) throws(VaultFailure) in
            let code = unsafe crypto_generichash(
                master.start!, master.count, memory.bytes.start, UInt64(count), purpose, purpose.count)
            precondition(code == 0, "because these lengths are within what crypto_generichash takes")
            Sodium.wipeStack()
        }
    }

    private static func seal(_ key: RootKey, _ master: RootKey) -> [UInt8] {
        var sealed = magic + [UInt8](repeating: 0, count: byteCount - magic.count)
        unsafe sealed.withUnsafeMutableBytes { sealed in
            let nonce = unsafe sealed.part(magic.count..<magic.count + nonceBytes)
            unsafe Sodium.fillRandomly(nonce)
            let box = unsafe sealed.part((magic.count + nonceBytes)...)
            _ = unsafe key.withBytes { key in
                unsafe master.withBytes { master in
                    unsafe crypto_aead_xchacha20poly1305_ietf_encrypt(
                        box.start!, nil, key.start, UInt64(key.count), magic, UInt64(magic.count), nil, nonce.start!, master.start!)
                }
            }
        }
        Sodium.wipeStack()
        return sealed
    }

    /// Nil if the bytes are none that were sealed under `master`.
    private static func open(_ sealed: UnsafeRawBufferPointer, _ master: RootKey) throws(VaultFailure) -> RootKey? {
        guard sealed.count == byteCount, unsafe sealed[..<magic.count].elementsEqual(magic) else { return nil }
        let start = unsafe sealed.start! + magic.count
        var isKey = false
        let key = try unsafe RootKey { (bytes) throws(VaultFailure) in
            isKey = unsafe master.withBytes { master in
                unsafe crypto_aead_xchacha20poly1305_ietf_decrypt(
                    bytes.start, nil, nil, start + nonceBytes, UInt64(RootKey.byteCount + tagBytes), magic, UInt64(magic.count),
                    start, master.start!) == 0
            }
            Sodium.wipeStack()
        }
        return isKey ? key : nil
    }
}

import CSodium
import Glibc

/// A second copy of root key and keyring, sealed to a key whose secret is not on this machine: a file that is replaced whole.
///
/// head | sealed box of (root key 32 | BLAKE2b-256 of head and keyring 32) | keyring, as the vault has it.
/// The keyring in it is made of the keys in memory, not of the file: a damaged file must not take its own second copy along.
package struct Escrow: Sendable {
    let file: RotatedFile
    let recipient: EscrowPublicKey

    static let digestBytes = 32
    static let secretBytes = RootKey.byteCount + digestBytes
    static let sealedBytes = secretBytes + EscrowPublicKey.sealBytes
    /// A keyring of a billion bytes has more keys than memory.
    static let keyringBytesMax = 1 << 30

    /// - Parameters:
    ///   - path: where the escrow lies; its folder must be there, best on another device than data and root key.
    ///   - recipient: the operator's public key.
    package init(_ path: String, sealedTo recipient: EscrowPublicKey) {
        file = RotatedFile(path: path)
        self.recipient = recipient
    }

    var path: String { file.path }

    /// The head of the escrow that is there. Nil if there is none, or one that is overwritten already. Nothing is changed.
    func header() throws(VaultFailure) -> EscrowHeader? {
        guard let file = try VaultFile(ifThere: path, O_RDONLY) else { return nil }
        guard try file.status().st_mode & S_IFMT == S_IFREG else { throw .refused(path: path, reason: "is no regular file; name another") }
        let bytes = try file.bytes(at: 0, countMax: EscrowHeader.byteCountMax)
        // An empty file says nothing of its own either.
        if bytes.allSatisfy({ $0 == 0 }) { return nil }
        return try EscrowHeader(decoding: bytes, path: path)
    }

    /// Writes an escrow beside the one that is there, durably.
    func stage(_ header: EscrowHeader, _ keyring: Keyring.Image, root: RootKey) throws(VaultFailure) {
        let head = header.encoded
        let secret = try LockedMemory(byteCount: Self.secretBytes)
        unsafe root.withBytes { unsafe secret.bytes.copyMemory(from: $0) }
        unsafe secret.bytes.part(RootKey.byteCount...).copyBytes(from: Self.digest(head + keyring.bytes))
        guard let sealed = unsafe recipient.sealed(UnsafeRawBufferPointer(secret.bytes)) else {
            throw .refused(
                path: path,
                reason: "cannot be sealed, because the public key \(recipient) is none; make one with 'annalsd escrow-key'")
        }
        let whole = head + sealed + keyring.bytes
        try unsafe whole.withUnsafeBufferPointer { (bytes) throws(VaultFailure) in try unsafe file.stage(UnsafeRawBufferPointer(bytes)) }
    }

    static func digest(_ bytes: [UInt8]) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: digestBytes)
        let code = unsafe crypto_generichash(&digest, digest.count, bytes, UInt64(bytes.count), nil, 0)
        precondition(code == 0, "because these lengths are within what crypto_generichash takes")
        return digest
    }
}

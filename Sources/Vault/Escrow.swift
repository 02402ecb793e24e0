import CSodium
import Events
import Glibc

/// A second copy of root key and keyring, sealed to a key whose secret is not on this machine: a file that is replaced whole.
///
/// head | sealed box of (root key 32 | BLAKE2b-256 of head and keyring 32) | keyring, as the vault has it.
/// The keyring in it is made of the keys in memory, not of the file: a damaged file must not take its own second copy along.
package struct Escrow: Sendable {
    private let file: RotatedFile
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

    /// Writes an escrow beside the one that is there, durably.
    func stage(_ keyring: Keyring.Image, root: RootKey, now: Instant) throws(VaultFailure) -> EscrowMark {
        let header = EscrowHeader(of: keyring, to: recipient, now: now)
        let head = header.encoded
        let secret = try LockedMemory(byteCount: Self.secretBytes)
        unsafe root.withBytes { unsafe secret.bytes.copyMemory(from: $0) }
        unsafe secret.bytes.part(RootKey.byteCount...).copyBytes(from: Self.digest(head + keyring.bytes))
        guard let sealed = unsafe recipient.sealed(UnsafeRawBufferPointer(secret.bytes)) else {
            throw .refused(
                path: path,
                reason: "cannot be sealed, because the public key \(recipient) is none; make one with 'annalsd escrow-key'")
        }
        let rest = sealed + keyring.bytes
        let whole = head + rest
        try named { () throws(VaultFailure) in
            try unsafe whole.withUnsafeBufferPointer { (bytes) throws(VaultFailure) in
                try unsafe file.stage(UnsafeRawBufferPointer(bytes))
            }
        }
        return EscrowMark(header: header, digest: Self.digest(rest))
    }

    /// Puts the staged escrow in the place of the one that is there, which is overwritten first.
    func adopt(_ mark: EscrowMark, overwritten: () -> Void) throws(VaultFailure) {
        try named { () throws(VaultFailure) in try file.adopt(overwritten: overwritten) }
        // Without a staged file the one before still lies there.
        guard try find([mark], readingAll: false) == .whole(mark) else {
            throw .refused(path: path, reason: "is not the escrow that was to take its place there; see who else writes in its folder")
        }
    }

    /// Destroys a staged escrow that was never adopted.
    func forgetStaged() throws(VaultFailure) { try named { () throws(VaultFailure) in try file.forgetStaged() } }

    /// A failed call as one on the escrow: what is to be done is another thing than with the vault's own files.
    func named<Result>(_ body: () throws(VaultFailure) -> Result) throws(VaultFailure) -> Result {
        do throws(VaultFailure) {
            return try body()
        } catch .system(let call, let file, let code) {
            throw .escrow(path: path, call: call, of: file, code: code)
        }
    }

    static func digest(_ bytes: [UInt8]) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: digestBytes)
        let code = unsafe crypto_generichash(&digest, digest.count, bytes, UInt64(bytes.count), nil, 0)
        precondition(code == 0, "because these lengths are within what crypto_generichash takes")
        return digest
    }
}

import CSodium
import Events
import Glibc

/// The key that an escrow is sealed to: the operator's, for X25519. Not secret.
package struct EscrowPublicKey: Equatable, Sendable {
    static let byteCount = 32

    let bytes: [UInt8]

    /// Nil for bytes that are no key.
    init?(bytes: [UInt8]) {
        guard bytes.count == Self.byteCount, bytes.contains(where: { $0 != 0 }) else { return nil }
        self.bytes = bytes
    }

    /// 64 hexadecimal digits, with or without a newline; nil for another text.
    package init?(text: String) {
        let digits = text.hasSuffix("\n") ? text.dropLast() : text[...]
        guard digits.utf8.count == 2 * Self.byteCount, digits.allSatisfy(\.isHexDigit) else { return nil }
        let values = digits.compactMap(\.hexDigitValue)
        self.init(bytes: stride(from: 0, to: values.count, by: 2).map { UInt8(values[$0] << 4 | values[$0 + 1]) })
    }
}

extension EscrowPublicKey: CustomStringConvertible {
    package var description: String { bytes.hexText }
}

/// The key that opens escrows. It is made, and kept, on another machine than the daemon's: a file of 64 hexadecimal digits.
package struct EscrowSecretKey: Sendable {
    // 32 bytes in locked memory, as a root key is.
    private let secret: RootKey
    package let publicKey: EscrowPublicKey

    private init(_ secret: RootKey) throws(VaultFailure) {
        var bytes = [UInt8](repeating: 0, count: EscrowPublicKey.byteCount)
        let code = unsafe secret.withBytes { secret in unsafe crypto_scalarmult_base(&bytes, secret.start!) }
        Sodium.wipeStack()
        guard code == 0, let publicKey = EscrowPublicKey(bytes: bytes) else {
            preconditionFailure("every 32 bytes but zeros are a secret key, because X25519 clamps them")
        }
        self.secret = secret
        self.publicKey = publicKey
    }

    /// Makes a key and writes it to a file that is not there yet, for its owner alone.
    package static func make(to path: String) throws(VaultFailure) -> EscrowSecretKey {
        guard Sodium.isReady else { throw .noAES }
        let key = try EscrowSecretKey(.random())
        try HexKey.write(key.secret, to: path)
        return key
    }

    /// Reads a key from its file.
    package init(readingFrom path: String) throws(VaultFailure) {
        guard Sodium.isReady else { throw .noAES }
        let found = try unsafe RotatedFile(path: path).read(staged: false) { (text) throws(VaultFailure) in try unsafe HexKey.decode(text) }
        guard let found else { throw .refused(path: path, reason: "is not there; name the file that 'annalsd escrow-key' made") }
        guard let secret = found else {
            throw .refused(path: path, reason: "is no secret key, which is \(HexKey.digits) hexadecimal digits and a newline")
        }
        try self.init(secret)
    }

    /// Opens in `plain` what was sealed to this key. Returns whether it was.
    func open(_ sealed: ArraySlice<UInt8>, into plain: UnsafeMutableRawBufferPointer) -> Bool {
        precondition(sealed.count == plain.count + EscrowPublicKey.sealBytes, "because the room was measured for it")
        let code = unsafe secret.withBytes { secret in
            unsafe sealed.withUnsafeBufferPointer { sealed in
                unsafe crypto_box_seal_open(plain.start!, sealed.baseAddress!, UInt64(sealed.count), publicKey.bytes, secret.start!)
            }
        }
        Sodium.wipeStack()
        return code == 0
    }
}

extension EscrowPublicKey {
    /// What a sealed box has beside its content: a public key of its own, and a tag (libsodium's `crypto_box_seal`).
    static let sealBytes = 48

    /// Seals to the key; nil if it is one of the few that nobody can have the secret of.
    func sealed(_ plain: UnsafeRawBufferPointer) -> [UInt8]? {
        var sealed = [UInt8](repeating: 0, count: plain.count + Self.sealBytes)
        let code = unsafe crypto_box_seal(&sealed, plain.start!, UInt64(plain.count), bytes)
        Sodium.wipeStack()
        return code == 0 ? sealed : nil
    }
}

extension HexKey {
    /// Writes a key to a file that must not be there, durably, for its owner alone.
    static func write(_ key: RootKey, to path: String) throws(VaultFailure) {
        try unsafe withText(of: key) { (text) throws(VaultFailure) in
            let file = try VaultFile(making: path)
            try unsafe file.write(text, at: 0)
            try file.syncWhole()
        }
        try VaultFile.syncFolder(of: path)
    }
}

extension VaultFile {
    /// A new file; one that is there is never written over.
    init(making path: String) throws(VaultFailure) {
        do throws(VaultFailure) {
            try self.init(opening: path, O_WRONLY | O_CREAT | O_EXCL)
        } catch .system(_, _, EEXIST) {
            throw .refused(path: path, reason: "is there already, and is not written over; name another path")
        }
    }
}

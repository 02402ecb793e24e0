import Events

/// The head of an escrow: magic 8 | version u32 | made at u64 | public key 32 | id of the root key 16 | next key id u64 | keys u64 |
/// bytes of the keyring u64 | length u8 and text of the instance. Numbers are big-endian.
///
/// It is not secret. What is sealed behind it has a digest of it, so a changed one opens nothing.
struct EscrowHeader: Equatable, Sendable {
    var madeAt: Instant
    var recipient: EscrowPublicKey
    var root: RootKeyID
    /// The least id that no key in it has, and none that was saved when it was made.
    var nextKey: KeyID
    var keys: Int
    var keyringBytes: Int
    var instance: String

    private static let magic = Array("ANNALSES".utf8)
    private static let version: UInt32 = 1
    private static let fixedBytes = 93
    static let byteCountMax = fixedBytes + 255
    /// Leaves room for the later keys that a reader gives up.
    private static let nextKeyMax = KeyID.most / 2

    var encoded: [UInt8] {
        let name = Array(instance.utf8)
        precondition(name.count <= 255, "because an instance's name has its length in one byte")
        let numbers = [nextKey.rawValue, UInt64(keys), UInt64(keyringBytes)].flatMap { KeyringHeader.bytes($0) }
        return Self.magic + KeyringHeader.bytes(Self.version) + KeyringHeader.bytes(madeAt.milliseconds) + recipient.bytes + root.bytes
            + numbers + [UInt8(name.count)] + name
    }

    /// Whether it holds so many keys below this one, under this root key, for this reader: the keys themselves never change.
    func holds(_ keys: Int, below nextKey: KeyID, under root: RootKeyID, for recipient: EscrowPublicKey) -> Bool {
        self.keys == keys && self.nextKey == nextKey && self.root == root && self.recipient == recipient
    }
}

extension EscrowHeader {
    /// The head of an escrow of this keyring.
    init(of keyring: Keyring.Image, to recipient: EscrowPublicKey, now: Instant) {
        self.init(
            // Held at the ends of what can be written: it must not lock out its reader, whatever the clock says.
            madeAt: now.advanced(byMilliseconds: 0), recipient: recipient, root: keyring.header.root, nextKey: keyring.header.nextKey,
            keys: keyring.keys, keyringBytes: keyring.bytes.count, instance: keyring.header.instance)
    }

    /// Reads a header from the beginning of a file.
    init(decoding bytes: [UInt8], path: String) throws(VaultFailure) {
        guard bytes.count >= Self.fixedBytes, bytes.starts(with: Self.magic) else {
            throw .refused(path: path, reason: "is no escrow; name another file")
        }
        let version: UInt32 = KeyringHeader.number(in: bytes, at: 8)
        guard version == Self.version else {
            throw .refused(
                path: path, reason: "is an escrow of format \(version), and this program knows \(Self.version); use the newer program")
        }
        let end = Self.fixedBytes + Int(bytes[Self.fixedBytes - 1])
        let madeAt = Instant(milliseconds: KeyringHeader.number(in: bytes, at: 12))
        let numbers: [UInt64] = [68, 76, 84].map { KeyringHeader.number(in: bytes, at: $0) }
        guard bytes.count >= end, let instance = String(validating: bytes[Self.fixedBytes..<end], as: UTF8.self),
            let recipient = EscrowPublicKey(bytes: Array(bytes[20..<52])), madeAt.isWritable,
            numbers[0] > 0, numbers[0] <= Self.nextKeyMax, numbers[1] <= Int64.max, numbers[2] <= Escrow.keyringBytesMax
        else { throw .refused(path: path, reason: "is a damaged escrow, whose head cannot be read; use another copy of it") }
        self.init(
            madeAt: madeAt, recipient: recipient, root: RootKeyID(Array(bytes[52..<68])), nextKey: KeyID(numbers[0]),
            keys: Int(numbers[1]), keyringBytes: Int(numbers[2]), instance: instance)
    }
}

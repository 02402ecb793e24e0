/// The head of a keyring: magic 8 | version u32 | boxes u32 | next key id u64 | root key's id 16 | length u8 and text of the instance.
/// Numbers are big-endian.
///
/// It is not secret, and every box is sealed with it as associated data: a changed one opens nothing.
struct KeyringHeader: Equatable, Sendable {
    /// How many boxes were there when the file was written. They were synced before the file got its name, so they are whole.
    var boxes: Int
    /// The least id that no key had then.
    var nextKey: KeyID
    var root: RootKeyID
    /// Of the archive that the keyring belongs to.
    var instance: String

    private static let magic = Array("ANNALSKR".utf8)
    private static let version: UInt32 = 1
    private static let fixedBytes = 41
    static let byteCountMax = fixedBytes + 255

    var encoded: [UInt8] {
        let name = Array(instance.utf8)
        precondition(name.count <= 255, "because an instance's name has its length in one byte")
        return Self.magic + Self.bytes(Self.version) + Self.bytes(UInt32(boxes)) + Self.bytes(nextKey.rawValue) + root.bytes
            + [UInt8(name.count)] + name
    }

    init(boxes: Int, nextKey: KeyID, root: RootKeyID, instance: String) {
        self.boxes = boxes
        self.nextKey = nextKey
        self.root = root
        self.instance = instance
    }

    /// Reads a header from the beginning of a file.
    init(decoding bytes: [UInt8], path: String) throws(VaultFailure) {
        guard bytes.count >= Self.fixedBytes, bytes.starts(with: Self.magic) else {
            throw .damaged(path: path, offset: 0, reason: "it does not begin as a keyring does")
        }
        let version: UInt32 = Self.number(in: bytes, at: 8)
        guard version == Self.version else {
            throw .refused(
                path: path, reason: "is a keyring of format \(version), and this program knows \(Self.version); use the newer program")
        }
        let boxes: UInt32 = Self.number(in: bytes, at: 12)
        let next: UInt64 = Self.number(in: bytes, at: 16)
        let end = Self.fixedBytes + Int(bytes[Self.fixedBytes - 1])
        guard bytes.count >= end, boxes > 0, next > 0, next <= KeyID.most,
            let instance = String(validating: bytes[Self.fixedBytes..<end], as: UTF8.self)
        else {
            throw .damaged(path: path, offset: 12, reason: "its head cannot be read")
        }
        self.init(boxes: Int(boxes), nextKey: KeyID(next), root: RootKeyID(Array(bytes[24..<40])), instance: instance)
    }

    static func bytes<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
        (0..<Number.bitWidth / 8).reversed().map { UInt8(truncatingIfNeeded: number >> ($0 * 8)) }
    }

    static func number<Number: FixedWidthInteger>(in bytes: [UInt8], at offset: Int) -> Number {
        bytes[offset..<offset + Number.bitWidth / 8].reduce(0) { $0 << 8 | Number($1) }
    }
}

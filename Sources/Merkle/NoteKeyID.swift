import Crypto

/// Tells the keys of one name apart; too short to tell them from keys that were made to have it.
///
/// The first four bytes of SHA-256(name ‖ newline ‖ type ‖ public key), the high one first (https://c2sp.org/signed-note).
package struct NoteKeyID: Hashable, Sendable {
    package let rawValue: UInt32

    package init(_ rawValue: UInt32) { self.rawValue = rawValue }

    init(of key: [UInt8], type: UInt8, name: NoteKeyName) {
        let digest = SHA256.hash(data: name.line.utf8 + [NoteLine.end, type] + key)
        self = digest.withUnsafeBytes { NoteKeyID(bytes: $0.prefix(Self.byteCount)) }
    }

    static let byteCount = 4

    /// Of four bytes.
    init(bytes: some Collection<UInt8>) {
        self.init(bytes.reduce(0) { $0 << 8 | UInt32($1) })
    }

    var bytes: [UInt8] { withUnsafeBytes(of: rawValue.bigEndian) { [UInt8]($0) } }

    /// Eight small hexadecimal digits.
    package var hex: String { Hex.text(of: bytes) }
}

extension NoteKeyID: CustomStringConvertible {
    package var description: String { hex }
}

import Crypto

/// What an outsider needs to check signatures: a name, and an Ed25519 public key (https://c2sp.org/signed-note).
package struct VerifierKey: Sendable {
    /// The type of Ed25519 keys, in their texts and ids.
    static let type: UInt8 = 1

    package let name: NoteKeyName
    package let id: NoteKeyID
    private let key: Curve25519.Signing.PublicKey

    init(name: NoteKeyName, key: Curve25519.Signing.PublicKey) {
        self.name = name
        self.key = key
        id = NoteKeyID(of: Array(key.rawRepresentation), type: Self.type, name: name)
    }

    /// - Parameters:
    ///   - publicKey: 32 bytes, as RFC 8032 writes them.
    package init(name: NoteKeyName, publicKey: [UInt8]) throws(NoteKeyFault) {
        let key: Curve25519.Signing.PublicKey
        do { key = try Curve25519.Signing.PublicKey(rawRepresentation: publicKey) } catch { throw .malformed }
        self.init(name: name, key: key)
    }

    /// 32 bytes.
    package var publicKey: [UInt8] { Array(key.rawRepresentation) }

    /// Whether a signature, without the id before it, is of this key and of a note's text.
    package func isValid(_ signature: [UInt8], of text: [UInt8]) -> Bool {
        key.isValidSignature(signature, for: text)
    }
}

extension VerifierKey: Hashable {
    package static func == (left: VerifierKey, right: VerifierKey) -> Bool {
        left.name == right.name && left.publicKey == right.publicKey
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(name)
        hasher.combine(publicKey)
    }
}

/// Its text: `<name>+<id in hex>+<base64 of the type and the key>`.
extension VerifierKey: CustomStringConvertible {
    package var text: String { "\(name)+\(id.hex)+\(Base64.text(of: [Self.type] + publicKey))" }

    package var description: String { text }

    package init(parsing text: String) throws(NoteKeyFault) {
        let words = text.utf8.split(separator: UInt8(ascii: "+"), maxSplits: 2, omittingEmptySubsequences: false)
        guard words.count == 3, let name = NoteKeyName(words[0]) else { throw .malformed }
        guard let id = Hex.bytes(of: String(decoding: words[1], as: UTF8.self)), id.count == NoteKeyID.byteCount,
            let typed = Base64.bytes(of: words[2]), let type = typed.first
        else { throw .malformed }
        let key = Array(typed.dropFirst())
        guard NoteKeyID(of: key, type: type, name: name) == NoteKeyID(bytes: id) else { throw .wrongID }
        guard type == Self.type else { throw .unknownType(type) }
        try self.init(name: name, publicKey: key)
    }
}

/// Why a text or bytes are no key.
package enum NoteKeyFault: Error, Equatable, Sendable {
    case malformed
    /// The id is not that of the name and the key: one of the three was changed.
    case wrongID
    /// Not Ed25519.
    case unknownType(UInt8)

    /// A sentence.
    package var explanation: String {
        switch self {
        case .malformed: "the key is not of the form name+id+base64"
        case .wrongID: "the key's id does not belong to its name and bytes"
        case .unknownType(let type): "the key is of type \(type); only Ed25519, type 1, is known"
        }
    }
}

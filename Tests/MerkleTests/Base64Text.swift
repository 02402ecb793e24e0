@testable import Merkle

/// What stands in a signature line behind the name.
enum Base64Text {
    static func of(_ signature: NoteSignature) -> String { Base64.text(of: signature.id.bytes + signature.bytes) }

    static func zeros(_ count: Int) -> String { Base64.text(of: [UInt8](repeating: 0, count: count)) }
}

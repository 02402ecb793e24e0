/// A name that the service chose: 1 to 128 bytes of UTF-8 without control characters, compared byte for byte.
///
/// Bytes and not `String`, because Swift's strings call "é" and "e + ´" equal, and two services that mean
/// different conversations by them must not meet in one.
package struct Name<Of>: Hashable, Sendable {
    package let utf8: [UInt8]

    package static var bytesMax: Int { NameFault.bytesMax }

    package init(checking bytes: UnsafeRawBufferPointer) throws(NameFault) {
        if let fault = NameFault.find(in: bytes) { throw fault }
        utf8 = [UInt8](bytes)
    }

    package init(_ text: some StringProtocol) throws(NameFault) { try self.init(Array(text.utf8)) }

    package init(_ bytes: [UInt8]) throws(NameFault) {
        if let fault = bytes.withUnsafeBytes(NameFault.find) { throw fault }
        utf8 = bytes
    }

    package var text: String { String(decoding: utf8, as: UTF8.self) }
}

extension Name: Comparable {
    package static func < (left: Name, right: Name) -> Bool { left.utf8.lexicographicallyPrecedes(right.utf8) }
}

extension Name: CustomStringConvertible {
    package var description: String { text }
}

/// Marks for the kinds of names, so that no sender is taken for a conversation.
package enum NameOf {
    package enum Tenant {}
    package enum Conversation {}
    package enum User {}
    package enum Message {}
    package enum Hold {}
}

package typealias TenantID = Name<NameOf.Tenant>
package typealias ConversationID = Name<NameOf.Conversation>
/// A sender or a viewer: the same people.
package typealias UserID = Name<NameOf.User>
package typealias MessageID = Name<NameOf.Message>
package typealias HoldID = Name<NameOf.Hold>

/// Why bytes are no name.
package enum NameFault: Error, Equatable, Sendable {
    case empty
    case tooLong(bytes: Int)
    case notUTF8
    case controlCharacter

    package static let bytesMax = 128

    /// The end of a sentence that begins with what the name is for.
    package var explanation: String {
        switch self {
        case .empty: "is empty; give 1 to \(Self.bytesMax) bytes of UTF-8"
        case .tooLong(let bytes): "has \(bytes) bytes; at most \(Self.bytesMax) are allowed"
        case .notUTF8: "is not valid UTF-8"
        case .controlCharacter: "holds a control character; leave them out"
        }
    }

    /// What is wrong with the bytes, or nil.
    package static func find(in bytes: UnsafeRawBufferPointer) -> NameFault? {
        if bytes.isEmpty { return .empty }
        if bytes.count > bytesMax { return .tooLong(bytes: bytes.count) }
        var highBits: UInt8 = 0
        var control = false
        for byte in bytes {
            highBits |= byte
            control = control || byte < 0x20 || byte == 0x7F
        }
        if control { return .controlCharacter }
        return highBits < 0x80 ? nil : findBeyondASCII(in: bytes)
    }

    private static func findBeyondASCII(in bytes: UnsafeRawBufferPointer) -> NameFault? {
        guard String(validating: bytes, as: UTF8.self) != nil else { return .notUTF8 }
        // U+0080…U+009F, the C1 controls, are C2 80…C2 9F.
        for index in bytes.indices.dropLast() where bytes[index] == 0xC2 && bytes[index + 1] < 0xA0 {
            return .controlCharacter
        }
        return nil
    }
}

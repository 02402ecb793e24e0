/// Bytes that are not RESP, or that announce more than was agreed. The connection cannot go on:
/// after a violation nobody knows where the next frame begins.
package enum ProtocolViolation: Error, Hashable, Sendable {
    /// A frame of a client that is no command: an element of the array is not a bulk string.
    case bulkStringExpected(found: UInt8)
    /// A length or a count that is not a decimal number.
    case lengthNotANumber
    /// A length or a count below zero where none may be.
    case lengthNegative
    /// A bulk string that announces more bytes than allowed.
    case bulkTooLong(bytesMax: Int)
    /// A command with more arguments, or an answer with more elements in one aggregate, than allowed.
    case tooManyElements(max: Int)
    /// A frame that is longer, all in all, than allowed.
    case frameTooLong(bytesMax: Int)
    /// An inline command, or another line, that does not end within what is allowed.
    case lineTooLong(bytesMax: Int)
    /// A line or a bulk string that does not end in CR LF.
    case lineEndingMissing
    /// An inline command whose quotes do not close, or are followed by something other than a blank.
    case quotesUnbalanced
    /// An answer that begins with a byte that no RESP type has.
    case typeUnknown(found: UInt8)
    /// An answer that nests deeper than allowed.
    case nestingTooDeep(max: Int)
    /// An answer's number, boolean or null that cannot be read as one.
    case valueMalformed

    /// Whether the bytes were sound RESP, only more of it than was agreed.
    package var exceedsLimit: Bool {
        switch self {
        case .bulkTooLong, .tooManyElements, .frameTooLong, .lineTooLong, .nestingTooDeep: true
        case .bulkStringExpected, .lengthNotANumber, .lengthNegative, .lineEndingMissing, .quotesUnbalanced, .typeUnknown,
            .valueMalformed:
            false
        }
    }
}

extension ProtocolViolation: CustomStringConvertible {
    /// One plain sentence, without a line break, that says what is wrong.
    package var description: String {
        switch self {
        case .bulkStringExpected(let found): "a command is an array of bulk strings: expected '$', found \(Self.name(of: found))"
        case .lengthNotANumber: "a length must be a decimal number followed by CR LF"
        case .lengthNegative: "a length must not be negative"
        case .bulkTooLong(let bytesMax): "a bulk string may have at most \(bytesMax) bytes"
        case .tooManyElements(let max): "an array may have at most \(max) elements"
        case .frameTooLong(let bytesMax): "a frame may have at most \(bytesMax) bytes"
        case .lineTooLong(let bytesMax): "a line may have at most \(bytesMax) bytes"
        case .lineEndingMissing: "a line or a bulk string must end in CR LF"
        case .quotesUnbalanced: "the quotes of an inline command must close and be followed by a blank"
        case .typeUnknown(let found): "no RESP type begins with \(Self.name(of: found))"
        case .nestingTooDeep(let max): "values may nest at most \(max) deep"
        case .valueMalformed: "a number, boolean or null cannot be read as one"
        }
    }

    /// A byte as a person can read it, whatever it is.
    private static func name(of byte: UInt8) -> String {
        if (0x21...0x7E).contains(byte) { return "'\(Character(UnicodeScalar(byte)))'" }
        return "the byte \(byte)"
    }
}

/// One word of a command: a text, a number, or bytes as they are. Literals of text and of whole numbers are words.
public enum Word: Sendable, Hashable {
    /// A text, sent as UTF-8.
    case text(String)
    /// A number, sent in decimal.
    case number(Int)
    /// Bytes, sent as they are.
    case bytes([UInt8])
}

extension Word: ExpressibleByStringInterpolation {
    /// A text.
    public init(stringLiteral text: String) {
        self = .text(text)
    }
}

extension Word: ExpressibleByIntegerLiteral {
    /// A number.
    public init(integerLiteral number: Int) {
        self = .number(number)
    }
}

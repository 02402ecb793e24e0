/// One answer of a server, of either version of RESP.
///
/// RESP2 has fewer types: it sends a map as a flat array of keys and values, a boolean as 0 or 1, a floating-point number as text.
/// The accessors below see through that, so that a caller need not know which version is spoken.
/// An attribute (RESP3's remarks beside a value) is read and dropped: no command of Annals sends one.
public enum RESPValue: Sendable, Hashable {
    /// A short text, such as `OK`.
    case simple(String)
    /// Bytes, as they are.
    case bulk([UInt8])
    /// A number.
    case integer(Int)
    /// A floating-point number.
    case double(Double)
    /// True or false.
    case boolean(Bool)
    /// The absence of a value.
    case null
    /// Values in order.
    case array([RESPValue])
    /// Keys and values, in the server's order.
    case map([Entry])
    /// Values without an order.
    case set([RESPValue])
    /// A message that answers no command.
    case push([RESPValue])
    /// A refusal: its first word, and the sentence behind it.
    case error(code: String, message: String)
    /// A text for people, and its format (`txt` or `mkd`).
    case verbatim(format: String, text: String)
    /// An integer of any size, as its decimal digits.
    case bigNumber(String)

    /// A key of a map and its value.
    public struct Entry: Sendable, Hashable {
        /// The key; in Annals always a text.
        public var key: RESPValue
        /// The value under it.
        public var value: RESPValue

        /// A key and its value.
        public init(key: RESPValue, value: RESPValue) {
            self.key = key
            self.value = value
        }
    }
}

extension RESPValue {
    /// Whether this is the absence of a value.
    public var isNull: Bool { self == .null }

    /// The text of a simple, bulk or verbatim string or a big number; nil for anything else, and for bytes that are not UTF-8.
    public var string: String? {
        switch self {
        case .simple(let text), .verbatim(_, let text), .bigNumber(let text): text
        case .bulk(let bytes): String(validating: bytes, as: UTF8.self)
        default: nil
        }
    }

    /// The bytes of a string of any kind; nil for anything else.
    public var bytes: [UInt8]? {
        if case .bulk(let bytes) = self { return bytes }
        return string.map { Array($0.utf8) }
    }

    /// The number of an integer, or of a string that is one in decimal; nil for anything else.
    public var integer: Int? {
        if case .integer(let value) = self { return value }
        return string.flatMap { Int($0) }
    }

    /// The number of a double, an integer, or a string that is one (as RESP2 sends doubles); nil for anything else.
    public var double: Double? {
        switch self {
        case .double(let value): value
        case .integer(let value): Double(value)
        default: string.flatMap { Double($0) }
        }
    }

    /// True or false, also where RESP2 sends 1 or 0; nil for anything else.
    public var boolean: Bool? {
        switch self {
        case .boolean(let value): value
        case .integer(0): false
        case .integer(1): true
        default: nil
        }
    }

    /// The values of an array, a set or a push; nil for anything else.
    public var array: [RESPValue]? {
        switch self {
        case .array(let values), .set(let values), .push(let values): values
        default: nil
        }
    }

    /// The keys and values of a map, or of the flat array that RESP2 sends instead; nil for anything else.
    public var entries: [Entry]? {
        switch self {
        case .map(let entries): entries
        case .array(let values) where values.count.isMultiple(of: 2): Self.pairs(of: values)
        default: nil
        }
    }

    /// The value under a key of a map, or of the flat array that RESP2 sends instead; nil when there is none.
    public subscript(key: String) -> RESPValue? {
        switch self {
        case .map(let entries):
            entries.first { $0.key.isText(key) }?.value
        case .array(let values) where values.count.isMultiple(of: 2):
            stride(from: 0, to: values.count, by: 2).first { values[$0].isText(key) }.map { values[$0 + 1] }
        default: nil
        }
    }

    /// Keys and values that follow each other, in pairs.
    static func pairs(of values: [RESPValue]) -> [Entry] {
        stride(from: 0, to: values.count - 1, by: 2).map { Entry(key: values[$0], value: values[$0 + 1]) }
    }

    /// Compares without making a String of the bytes.
    private func isText(_ text: String) -> Bool {
        switch self {
        case .simple(let own): own == text
        case .bulk(let bytes): bytes.elementsEqual(text.utf8)
        default: false
        }
    }
}

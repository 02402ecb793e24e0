import NIOCore

/// A piece of an answer: a value that stands by itself, or the head of an aggregate.
enum ReplyToken {
    case value(RESPValue)
    case aggregate(Kind, missing: Int)

    /// The aggregates of RESP.
    enum Kind: Sendable { case array, set, push, map, attribute }
}

/// Cuts the bytes of answers into tokens. Knows nothing of how they nest.
struct ReplyScanner: Sendable {
    private enum Line {
        case token(ReplyToken)
        case bulk(type: UInt8, count: Int)
    }

    private let limits: ReplyParser.Limits
    /// How far a line that is not whole yet was searched for its end.
    private var searched = 0
    /// The bulk string whose length was read: its type's byte, and its bytes.
    private var bulk: (type: UInt8, count: Int)?

    init(limits: ReplyParser.Limits) {
        self.limits = limits
    }

    /// Takes the next token out of `buffer`; nil when it is not all there.
    mutating func next(from buffer: inout ByteBuffer) throws(ProtocolViolation) -> ReplyToken? {
        if bulk == nil {
            guard let line = try line(from: &buffer) else { return nil }
            switch line {
            case .token(let token): return token
            case .bulk(let type, let count): bulk = (type, count)
            }
        }
        guard let (type, count) = bulk, buffer.readableBytes >= count + 2 else { return nil }
        let value = try buffer.withUnsafeReadableBytes { bytes throws(ProtocolViolation) in
            guard bytes[count] == UInt8(ascii: "\r"), bytes[count + 1] == UInt8(ascii: "\n") else { throw .lineEndingMissing }
            return try Self.value(type, UnsafeRawBufferPointer(rebasing: bytes[..<count]))
        }
        buffer.moveReaderIndex(forwardBy: count + 2)
        bulk = nil
        return .value(value)
    }

    private mutating func line(from buffer: inout ByteBuffer) throws(ProtocolViolation) -> Line? {
        let place = buffer.withUnsafeReadableBytes { bytes in
            bytes[searched...].firstIndex(of: UInt8(ascii: "\n"))
        }
        if (place ?? buffer.readableBytes) > limits.lineBytesMax { throw .lineTooLong(bytesMax: limits.lineBytesMax) }
        guard let place else {
            searched = buffer.readableBytes
            return nil
        }
        searched = 0
        let line = try buffer.withUnsafeReadableBytes { bytes throws(ProtocolViolation) in
            guard place >= 2, bytes[place - 1] == UInt8(ascii: "\r") else { throw .lineEndingMissing }
            return try read(bytes[0], String(decoding: bytes[1..<place - 1], as: UTF8.self))
        }
        buffer.moveReaderIndex(forwardBy: place + 1)
        return line
    }
}

/// What a line says.
extension ReplyScanner {
    private func read(_ type: UInt8, _ text: String) throws(ProtocolViolation) -> Line {
        switch type {
        case UInt8(ascii: "+"): return .token(.value(.simple(text)))
        case UInt8(ascii: "-"): return .token(.value(Self.error(text)))
        case UInt8(ascii: ":"): return .token(.value(.integer(try Self.parsed(Int(text)))))
        case UInt8(ascii: ","): return .token(.value(.double(try Self.parsed(Double(text)))))
        case UInt8(ascii: "("): return .token(.value(try Self.bigNumber(text)))
        case UInt8(ascii: "#") where text == "t": return .token(.value(.boolean(true)))
        case UInt8(ascii: "#") where text == "f": return .token(.value(.boolean(false)))
        case UInt8(ascii: "_") where text.isEmpty: return .token(.value(.null))
        case UInt8(ascii: "#"), UInt8(ascii: "_"): throw .valueMalformed
        case UInt8(ascii: "$") where text == "-1", UInt8(ascii: "*") where text == "-1": return .token(.value(.null))
        case UInt8(ascii: "$"), UInt8(ascii: "="), UInt8(ascii: "!"):
            let count = try Self.length(text)
            if count > limits.bulkBytesMax { throw .bulkTooLong(bytesMax: limits.bulkBytesMax) }
            return .bulk(type: type, count: count)
        case UInt8(ascii: "*"): return .token(try aggregate(.array, text))
        case UInt8(ascii: "~"): return .token(try aggregate(.set, text))
        case UInt8(ascii: ">"): return .token(try aggregate(.push, text))
        case UInt8(ascii: "%"): return .token(try aggregate(.map, text))
        case UInt8(ascii: "|"): return .token(try aggregate(.attribute, text))
        default: throw .typeUnknown(found: type)
        }
    }

    private func aggregate(_ kind: ReplyToken.Kind, _ text: String) throws(ProtocolViolation) -> ReplyToken {
        let count = try Self.length(text)
        let isPairs = kind == .map || kind == .attribute
        if count > limits.elementsMax { throw .tooManyElements(max: limits.elementsMax) }
        return .aggregate(kind, missing: isPairs ? count * 2 : count)
    }

    private static func length(_ text: String) throws(ProtocolViolation) -> Int {
        guard let count = Int(text) else { throw .lengthNotANumber }
        guard count >= 0 else { throw .lengthNegative }
        return count
    }

    private static func parsed<Number>(_ number: Number?) throws(ProtocolViolation) -> Number {
        guard let number else { throw .valueMalformed }
        return number
    }

    private static func bigNumber(_ text: String) throws(ProtocolViolation) -> RESPValue {
        let digits = text.hasPrefix("-") || text.hasPrefix("+") ? text.utf8.dropFirst() : text.utf8[...]
        guard !digits.isEmpty, digits.allSatisfy({ (0x30...0x39).contains($0) }) else { throw .valueMalformed }
        return .bigNumber(text)
    }

    /// What a bulk string of any kind says. RESP2 has only the plain one.
    private static func value(_ type: UInt8, _ bytes: UnsafeRawBufferPointer) throws(ProtocolViolation) -> RESPValue {
        switch type {
        case UInt8(ascii: "!"):
            return error(String(decoding: bytes, as: UTF8.self))
        case UInt8(ascii: "="):
            guard bytes.count >= 4, bytes[3] == UInt8(ascii: ":") else { throw .valueMalformed }
            return .verbatim(
                format: String(decoding: bytes[..<3], as: UTF8.self), text: String(decoding: bytes[4...], as: UTF8.self))
        default:
            return .bulk(Array(bytes))
        }
    }

    /// The first word of an error is its code.
    private static func error(_ text: String) -> RESPValue {
        let words = text.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false)
        return .error(code: String(words[0]), message: words.count > 1 ? String(words[1]) : "")
    }
}

package import NIOCore

/// Writes answers straight into a buffer, in the version that the connection speaks. Allocates nothing but the buffer's own growth.
///
/// An aggregate is its header followed by its elements: `map(count: 2)`, then key, value, key, value.
/// The same calls write a client's commands: `array(count:)` and then `bulk` for every word.
package struct ReplyWriter: Sendable {
    /// What the connection speaks from the next answer on.
    package var version: ProtocolVersion
    /// What was written and not taken yet.
    package var buffer: ByteBuffer

    /// A writer that appends to `buffer`.
    package init(version: ProtocolVersion, buffer: ByteBuffer = ByteBuffer()) {
        self.version = version
        self.buffer = buffer
    }

    /// What was written so far; the writer goes on with an empty buffer.
    package mutating func take() -> ByteBuffer {
        defer { buffer = ByteBuffer() }
        return buffer
    }
}

/// Single values.
extension ReplyWriter {
    /// A short text such as `OK`. Line breaks in it become blanks, because the line is the frame.
    package mutating func simple(_ text: String) {
        buffer.writeInteger(UInt8(ascii: "+"))
        line(text)
    }

    /// An error: its code, and one sentence. Line breaks in either become blanks.
    package mutating func error(code: String, _ message: String) {
        buffer.writeInteger(UInt8(ascii: "-"))
        withoutLineBreaks(code)
        buffer.writeInteger(UInt8(ascii: " "))
        line(message)
    }

    /// A number.
    package mutating func integer(_ value: Int) {
        number(UInt8(ascii: ":"), value)
    }

    /// The absence of a value.
    package mutating func null() {
        buffer.writeStaticString(version == .resp3 ? "_\r\n" : "$-1\r\n")
    }

    /// The absence of an array. RESP3 has one null for everything.
    package mutating func nullArray() {
        buffer.writeStaticString(version == .resp3 ? "_\r\n" : "*-1\r\n")
    }

    /// True or false; 1 or 0 in RESP2.
    package mutating func boolean(_ value: Bool) {
        switch version {
        case .resp3: buffer.writeStaticString(value ? "#t\r\n" : "#f\r\n")
        case .resp2: integer(value ? 1 : 0)
        }
    }

    /// A floating-point number; its text as a bulk string in RESP2.
    package mutating func double(_ value: Double) {
        // RESP3 writes "inf", "-inf" and "nan" as Swift does, but knows no sign on the last.
        let text = value.isNaN ? "nan" : "\(value)"
        switch version {
        case .resp3:
            buffer.writeInteger(UInt8(ascii: ","))
            line(text)
        case .resp2:
            bulk(text)
        }
    }
}

/// Bytes.
extension ReplyWriter {
    /// A text.
    package mutating func bulk(_ text: String) {
        var text = text
        text.withUTF8 { bulk(UnsafeRawBufferPointer($0)) }
    }

    /// Bytes, as they are.
    package mutating func bulk(_ bytes: [UInt8]) { bytes.withUnsafeBytes { bulk($0) } }

    /// Bytes that are lent, as they are.
    package mutating func bulk(_ bytes: UnsafeRawBufferPointer) {
        // At once: an answer has a hundred of these, and each time the buffer makes sure that nobody else has it.
        buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: 1 + Decimal.bytesMax + 2 + bytes.count + 2) { target in
            var place = Self.number(UInt8(ascii: "$"), bytes.count, to: target)
            UnsafeMutableRawBufferPointer(rebasing: target[place...]).copyMemory(from: bytes)
            place += bytes.count
            target[place] = UInt8(ascii: "\r")
            target[place + 1] = UInt8(ascii: "\n")
            return place + 2
        }
    }

    /// The readable bytes of another buffer.
    package mutating func bulk(_ bytes: ByteBuffer) {
        number(UInt8(ascii: "$"), bytes.readableBytes)
        buffer.writeImmutableBuffer(bytes)
        endLine()
    }

    /// A number as decimal text: so do commands carry them.
    package mutating func bulk(decimal value: Int) {
        number(UInt8(ascii: "$"), Decimal.count(of: value))
        number(nil, value)
    }

    /// A text for people, with its format of three letters (`txt`, `mkd`); a plain bulk string in RESP2.
    package mutating func verbatim(_ text: String, format: String = "txt") {
        precondition(format.utf8.count == 3, "a verbatim string's format has three bytes, because RESP3 cuts it off by counting")
        guard version == .resp3 else { return bulk(text) }
        number(UInt8(ascii: "="), text.utf8.count + 4)
        buffer.writeString(format)
        buffer.writeInteger(UInt8(ascii: ":"))
        buffer.writeString(text)
        endLine()
    }
}

/// Aggregates: the header of as many values as it says.
extension ReplyWriter {
    /// An array: `count` values follow.
    package mutating func array(count: Int) {
        precondition(count >= 0, "an array has no fewer than 0 elements, because -1 means null")
        number(UInt8(ascii: "*"), count)
    }

    /// A map: `count` pairs of key and value follow. A flat array of twice as many values in RESP2.
    package mutating func map(count: Int) {
        precondition(count >= 0, "a map has no fewer than 0 entries, because -1 means null")
        switch version {
        case .resp3: number(UInt8(ascii: "%"), count)
        case .resp2: number(UInt8(ascii: "*"), count * 2)
        }
    }
}

extension ReplyWriter {
    private mutating func endLine() {
        buffer.writeInteger(UInt16(0x0D0A))
    }

    private mutating func line(_ text: String) {
        withoutLineBreaks(text)
        endLine()
    }

    /// A client's words come back inside errors; a line break among them would let it write answers of its own.
    private mutating func withoutLineBreaks(_ text: String) {
        let start = buffer.writerIndex
        buffer.writeString(text)
        for place in start..<buffer.writerIndex {
            guard let byte = buffer.getInteger(at: place, as: UInt8.self) else { return }
            if byte == UInt8(ascii: "\r") || byte == UInt8(ascii: "\n") { buffer.setInteger(UInt8(ascii: " "), at: place) }
        }
    }

    /// A type's byte, the number, and the line's end.
    private mutating func number(_ type: UInt8?, _ value: Int) {
        buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: 1 + Decimal.bytesMax + 2) { Self.number(type, value, to: $0) }
    }

    /// Returns how many bytes it took.
    private static func number(_ type: UInt8?, _ value: Int, to target: UnsafeMutableRawBufferPointer) -> Int {
        var place = 0
        if let type {
            target[0] = type
            place = 1
        }
        place += Decimal.write(value, to: UnsafeMutableRawBufferPointer(rebasing: target[place...]))
        target[place] = UInt8(ascii: "\r")
        target[place + 1] = UInt8(ascii: "\n")
        return place + 2
    }
}

/// A number's decimal digits, without a String in between.
private enum Decimal {
    /// A sign and the 19 digits of `Int.min`.
    static let bytesMax = 20

    static func count(of value: Int) -> Int {
        var rest = value.magnitude
        var count = value < 0 ? 2 : 1
        while rest >= 10 {
            rest /= 10
            count += 1
        }
        return count
    }

    /// Writes the number to the beginning of `target` and returns how many bytes it took.
    static func write(_ value: Int, to target: UnsafeMutableRawBufferPointer) -> Int {
        let count = count(of: value)
        var rest = value.magnitude
        var place = count
        repeat {
            place -= 1
            target[place] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        } while rest > 0
        if value < 0 { target[0] = UInt8(ascii: "-") }
        return count
    }
}

/// The words of an inline command: a line that a person types, split as Redis splits it (`sdssplitargs` in its `sds.c`).
///
/// Blanks separate words. Inside double quotes `\n \r \t \b \a`, `\xHH` and a backslash before any other byte are escapes;
/// inside single quotes only `\'` is. Quotes may begin within a word; behind a closing quote a blank or the end must follow.
/// Unlike there, a NUL byte is a byte like any other and does not silently end the line.
///
/// Words lose their quotes, so they are kept apart from the line, in memory that is used again for the next one.
@usableFromInline
struct InlineWords: Sendable {
    @usableFromInline var bytes: [UInt8] = []
    @usableFromInline var ranges: [Range<Int>] = []

    var count: Int { ranges.count }

    @inlinable
    borrowing func lend<Result, Failure: Error>(
        to body: (borrowing CommandArguments) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try bytes.withUnsafeBufferPointer { bytes throws(Failure) in
            try ranges.withUnsafeBufferPointer { ranges throws(Failure) in
                try body(CommandArguments(base: UnsafeRawBufferPointer(bytes), ranges: ranges))
            }
        }
    }

    /// Lets go of the words. Memory that only a long line needed is given back: thousands of connections may once have sent one.
    mutating func forget() {
        bytes.removeAll(keepingCapacity: bytes.capacity <= 4096)
        ranges.removeAll(keepingCapacity: ranges.capacity <= 256)
    }

    /// Splits `line`, which has no line end. A line of blanks has no words.
    mutating func split(_ line: UnsafeRawBufferPointer, wordsMax: Int) throws(ProtocolViolation) {
        bytes.removeAll(keepingCapacity: true)
        ranges.removeAll(keepingCapacity: true)
        var place = 0
        while true {
            while place < line.count, Self.isBlank(line[place]) { place += 1 }
            guard place < line.count else { return }
            guard ranges.count < wordsMax else { throw .tooManyElements(max: wordsMax) }
            let start = bytes.count
            try readWord(of: line, at: &place)
            ranges.append(start..<bytes.count)
        }
    }

    private mutating func readWord(of line: UnsafeRawBufferPointer, at place: inout Int) throws(ProtocolViolation) {
        while place < line.count {
            let byte = line[place]
            place += 1
            switch byte {
            case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"), UInt8(ascii: "\n"):
                return
            case UInt8(ascii: "\""), UInt8(ascii: "'"):
                try readQuoted(of: line, at: &place, until: byte)
                guard place == line.count || Self.isBlank(line[place]) else { throw .quotesUnbalanced }
                return
            default:
                bytes.append(byte)
            }
        }
    }

    private mutating func readQuoted(of line: UnsafeRawBufferPointer, at place: inout Int, until quote: UInt8) throws(ProtocolViolation) {
        while place < line.count {
            let byte = line[place]
            place += 1
            if byte == quote { return }
            guard byte == UInt8(ascii: "\\"), place < line.count else {
                bytes.append(byte)
                continue
            }
            if quote == UInt8(ascii: "\"") {
                bytes.append(Self.escaped(in: line, at: &place))
            } else if line[place] == quote {
                bytes.append(quote)
                place += 1
            } else {
                bytes.append(byte)
            }
        }
        throw .quotesUnbalanced
    }

    /// The byte that an escape stands for. `place` is behind the backslash, on a byte that is there.
    private static func escaped(in line: UnsafeRawBufferPointer, at place: inout Int) -> UInt8 {
        let byte = line[place]
        if byte == UInt8(ascii: "x"), place + 2 < line.count, let high = nibble(line[place + 1]), let low = nibble(line[place + 2]) {
            place += 3
            return high << 4 | low
        }
        place += 1
        switch byte {
        case UInt8(ascii: "n"): return UInt8(ascii: "\n")
        case UInt8(ascii: "r"): return UInt8(ascii: "\r")
        case UInt8(ascii: "t"): return UInt8(ascii: "\t")
        case UInt8(ascii: "b"): return 0x08
        case UInt8(ascii: "a"): return 0x07
        default: return byte
        }
    }

    private static func nibble(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }

    /// C's `isspace`.
    private static func isBlank(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: " ") || (0x09...0x0D).contains(byte)
    }
}

/// Finds the commands in what a client sent, without copying and, once warm, without allocating.
///
/// The bytes stay where they are, in the session's accumulation buffer:
/// ```
/// let consumed = buffer.withUnsafeReadableBytes { bytes in
///     while case .command = parser.parse(bytes) {
///         parser.lendArguments(of: bytes) { arguments in … }
///     }
///     return parser.takeConsumed()
/// }
/// buffer.moveReaderIndex(forwardBy: consumed)
/// ```
/// Every call of `parse` must be given the same bytes as the call before it, from the same beginning, and may be given more behind them;
/// after `takeConsumed` the beginning lies that many bytes further on. What was looked at is not looked at again
/// (but for one line of at most 22 bytes), so a frame that comes byte by byte costs no more than one that comes whole.
///
/// Frames are `*N CRLF` followed by N times `$L CRLF bytes CRLF`, or inline commands as Redis takes them
/// (https://redis.io/docs/latest/develop/reference/protocol-spec/). Empty arrays and empty lines are skipped.
///
/// Invariant: `frameStart <= cursor`, and neither lies behind the bytes of the last call.
package struct CommandParser: Sendable {
    /// What a client may announce. More is a violation at the moment it is announced.
    package struct Limits: Sendable, Equatable {
        /// Words of a command.
        package var argumentsMax = 1024
        /// Bytes of one word.
        package var bulkBytesMax = 1 << 20
        /// Bytes of an inline command.
        package var inlineBytesMax = 64 << 10
        /// Bytes of a whole frame, its lengths and line ends among them.
        package var frameBytesMax = 2 << 20

        package init() {}
    }

    /// What `parse` came to.
    package enum Step: Sendable, Equatable {
        /// No whole command is left in the bytes.
        case needMore
        /// A command was found: `lendArguments` gives its words until the next call of `parse`.
        case command
        /// The client does not speak RESP, or asks for too much: answer it so, and close. Every later call says the same.
        case violation(ProtocolViolation)
    }

    private enum Phase: Sendable { case between, argument, bulk, inline, broken(ProtocolViolation) }

    private let limits: Limits
    private var phase = Phase.between
    /// The first byte of the frame that is being read.
    private var frameStart = 0
    /// The first byte not looked at yet, or the beginning of the line that is not whole yet.
    private var cursor = 0
    private var argumentsMissing = 0
    private var bulkLength = 0
    /// Where the command lies whose words may be lent; nil when there is none.
    @usableFromInline var command: Range<Int>?
    /// Where the words lie, counted from the first byte of their frame: so they stay true when what is before it is dropped.
    @usableFromInline var ranges: [Range<Int>] = []
    @usableFromInline var inlineWords = InlineWords()
    @usableFromInline var isInline = false

    /// A parser at the beginning of a connection.
    package init(limits: Limits = Limits()) {
        let all = [limits.argumentsMax, limits.bulkBytesMax, limits.inlineBytesMax, limits.frameBytesMax]
        precondition(
            all.allSatisfy { (1...1 << 32).contains($0) },
            "a limit must be from 1 to 2^32, because lengths are added up without looking for overflow")
        self.limits = limits
    }

    /// Looks for the next command in `bytes`.
    package mutating func parse(_ bytes: UnsafeRawBufferPointer) -> Step {
        command = nil
        do throws(ProtocolViolation) {
            return try advance(through: bytes) ? .command : .needMore
        } catch {
            phase = .broken(error)
            return .violation(error)
        }
    }

    /// How many bytes, from the beginning of those given to `parse`, are done with. The caller moves its beginning past
    /// them before it calls `parse` again; the words of the last command are gone with them.
    package mutating func takeConsumed() -> Int {
        defer {
            cursor -= frameStart
            frameStart = 0
            if case .between = phase { forgetCommand() }
        }
        return frameStart
    }

    /// Lends the words of the command that `parse` has just found in these same `bytes`.
    @inlinable
    package borrowing func lendArguments<Result, Failure: Error>(
        of bytes: UnsafeRawBufferPointer, to body: (borrowing CommandArguments) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        guard let command, command.upperBound <= bytes.count else {
            preconditionFailure("words are lent right after `parse` found them, because they lie in the bytes that it was given")
        }
        if isInline { return try inlineWords.lend(to: body) }
        return try ranges.withUnsafeBufferPointer { ranges throws(Failure) in
            try body(CommandArguments(base: UnsafeRawBufferPointer(rebasing: bytes[command]), ranges: ranges))
        }
    }
}

extension CommandParser {
    /// Goes on where the last call stopped. True when a command is whole.
    private mutating func advance(through bytes: UnsafeRawBufferPointer) throws(ProtocolViolation) -> Bool {
        while true {
            switch phase {
            case .between:
                guard try beginFrame(in: bytes) else { return false }
            case .argument:
                guard try readBulkLength(in: bytes) else { return false }
            case .bulk:
                guard try readBulk(in: bytes) else { return false }
                guard argumentsMissing == 0 else { continue }
                command = frameStart..<cursor
                endFrame()
                return true
            case .inline:
                guard try readInline(in: bytes) else { return false }
                command = inlineWords.count > 0 ? frameStart..<cursor : nil
                endFrame()
                if command != nil { return true }
            case .broken(let violation):
                throw violation
            }
        }
    }

    /// The words of the last command are no longer asked for.
    private mutating func forgetCommand() {
        command = nil
        ranges.removeAll(keepingCapacity: true)
        if isInline { inlineWords.forget() }
    }

    private mutating func endFrame() {
        phase = .between
        frameStart = cursor
    }

    /// Reads `*N CRLF`, or finds that the frame is an inline command.
    private mutating func beginFrame(in bytes: UnsafeRawBufferPointer) throws(ProtocolViolation) -> Bool {
        guard cursor < bytes.count else { return false }
        guard bytes[cursor] == UInt8(ascii: "*") else {
            isInline = true
            phase = .inline
            return true
        }
        let header = try Self.length(in: bytes, at: cursor + 1, max: limits.argumentsMax)
        guard let header else { return false }
        if header.isBeyondMax { throw .tooManyElements(max: limits.argumentsMax) }
        cursor = header.end
        if header.value == 0 {
            frameStart = cursor
            return true
        }
        isInline = false
        ranges.removeAll(keepingCapacity: true)
        argumentsMissing = header.value
        phase = .argument
        return true
    }

    /// Reads `$L CRLF`. What is announced is measured here, before a single byte of it is waited for.
    private mutating func readBulkLength(in bytes: UnsafeRawBufferPointer) throws(ProtocolViolation) -> Bool {
        guard cursor < bytes.count else { return false }
        guard bytes[cursor] == UInt8(ascii: "$") else { throw .bulkStringExpected(found: bytes[cursor]) }
        let header = try Self.length(in: bytes, at: cursor + 1, max: limits.bulkBytesMax)
        guard let header else { return false }
        if header.isBeyondMax { throw .bulkTooLong(bytesMax: limits.bulkBytesMax) }
        if header.end - frameStart + header.value + 2 > limits.frameBytesMax { throw .frameTooLong(bytesMax: limits.frameBytesMax) }
        cursor = header.end
        bulkLength = header.value
        phase = .bulk
        return true
    }

    private mutating func readBulk(in bytes: UnsafeRawBufferPointer) throws(ProtocolViolation) -> Bool {
        let end = cursor + bulkLength
        guard end + 2 <= bytes.count else { return false }
        guard bytes[end] == UInt8(ascii: "\r"), bytes[end + 1] == UInt8(ascii: "\n") else { throw .lineEndingMissing }
        ranges.append(cursor - frameStart..<end - frameStart)
        cursor = end + 2
        argumentsMissing -= 1
        phase = .argument
        return true
    }

    private mutating func readInline(in bytes: UnsafeRawBufferPointer) throws(ProtocolViolation) -> Bool {
        while cursor < bytes.count, bytes[cursor] != UInt8(ascii: "\n") { cursor += 1 }
        if cursor - frameStart > limits.inlineBytesMax { throw .lineTooLong(bytesMax: limits.inlineBytesMax) }
        guard cursor < bytes.count else { return false }
        let hasReturn = cursor > frameStart && bytes[cursor - 1] == UInt8(ascii: "\r")
        let line = UnsafeRawBufferPointer(rebasing: bytes[frameStart..<(hasReturn ? cursor - 1 : cursor)])
        try inlineWords.split(line, wordsMax: limits.argumentsMax)
        cursor += 1
        return true
    }

    /// A length and the place behind its line; nil when the line is not whole yet.
    /// A length beyond `max` is told at the first digit that makes it so, without waiting for the end of its line.
    @inline(__always)
    private static func length(
        in bytes: UnsafeRawBufferPointer, at start: Int, max: Int
    ) throws(ProtocolViolation) -> (value: Int, end: Int, isBeyondMax: Bool)? {
        var place = start
        var value = 0
        while place < bytes.count {
            let digit = bytes[place] &- UInt8(ascii: "0")
            guard digit <= 9 else { break }
            value = value * 10 + Int(digit)
            place += 1
            if value > max { return (value, place, true) }
            // Zeros in front may go on for ever without the value growing; no number of 64 bits has more than 20 digits.
            if place - start > 20 { throw .lengthNotANumber }
        }
        guard place < bytes.count else { return nil }
        if place == start, bytes[place] == UInt8(ascii: "-") { throw .lengthNegative }
        guard place > start, bytes[place] == UInt8(ascii: "\r") else { throw .lengthNotANumber }
        guard place + 1 < bytes.count else { return nil }
        guard bytes[place + 1] == UInt8(ascii: "\n") else { throw .lineEndingMissing }
        return (value, place + 2, false)
    }
}

import RESP
import TestSupport

/// What clients send, through `CommandParser`.
///
/// Promises: however the bytes are cut, and whenever the caller drops what is done with, the same commands come out, the same violation
/// ends them, and as many bytes are kept. Commands that are written anew, as frames or as inline commands, come out as they were.
enum Requests {
    static func run(_ input: Input) {
        var input = input
        let limits = input.byte() & 1 == 0 ? CommandParser.Limits() : narrow
        var random = SeededRandom(seed: UInt64(input.word16()))
        let whole = client(of: [input.remainder()], limits, dropsEagerly: false)
        let bytes = whole.sent
        let pieces = client(of: cut(bytes, &random), limits, dropsEagerly: random.chance(of: 1, in: 2))
        promise(whole == pieces, "cut otherwise, \(bytes) are \(pieces) and not \(whole)")
        if whole.commands.isEmpty { return }
        let framed = client(of: [whole.commands.flatMap(frame)], .init(), dropsEagerly: true)
        promise(framed.commands == whole.commands && framed.violation == nil, "as frames, \(whole.commands) are \(framed)")
        let lines = whole.commands.filter { $0.reduce(0) { $0 + 4 * $1.count + 3 } < 60_000 }
        let typed = client(of: [lines.flatMap(line)], .init(), dropsEagerly: false)
        promise(typed.commands == lines && typed.violation == nil, "as lines, \(lines) are \(typed)")
    }

    /// Small limits, so that inputs often reach them.
    private static var narrow: CommandParser.Limits {
        var limits = CommandParser.Limits()
        limits.argumentsMax = 8
        limits.bulkBytesMax = 40
        limits.inlineBytesMax = 50
        limits.frameBytesMax = 150
        return limits
    }

    private static func cut(_ bytes: [UInt8], _ random: inout SeededRandom) -> [[UInt8]] {
        let most = random.chance(of: 1, in: 3) ? 1 : Int.random(in: 1...max(1, bytes.count), using: &random)
        var pieces: [[UInt8]] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            let piece = rest.prefix(Int.random(in: 1...most, using: &random))
            pieces.append([UInt8](piece))
            rest = rest.dropFirst(piece.count)
        }
        return pieces
    }

    private static func client(of pieces: [[UInt8]], _ limits: CommandParser.Limits, dropsEagerly: Bool) -> FuzzedClient {
        var client = FuzzedClient(limits, dropsEagerly: dropsEagerly)
        for piece in pieces { client.send(piece) }
        return client
    }

    static func frame(_ words: [[UInt8]]) -> [UInt8] {
        var bytes = Array("*\(words.count)\r\n".utf8)
        for word in words { bytes += Array("$\(word.count)\r\n".utf8) + word + Array("\r\n".utf8) }
        return bytes
    }

    /// Every byte as an escape.
    private static func line(_ words: [[UInt8]]) -> [UInt8] {
        let quoted = words.map { word in "\"" + word.map { "\\x" + String(UInt16($0) + 0x100, radix: 16).dropFirst() }.joined() + "\"" }
        return Array((quoted.joined(separator: " ") + "\n").utf8)
    }
}

/// What a session would see of a client that sends its bytes in some pieces.
struct FuzzedClient: CustomStringConvertible {
    private var parser: CommandParser
    private var buffer: [UInt8] = []
    private let dropsEagerly: Bool
    private(set) var sent: [UInt8] = []
    private(set) var commands: [[[UInt8]]] = []
    private(set) var violation: ProtocolViolation?

    init(_ limits: CommandParser.Limits, dropsEagerly: Bool) {
        parser = CommandParser(limits: limits)
        self.dropsEagerly = dropsEagerly
    }

    mutating func send(_ bytes: [UInt8]) {
        sent += bytes
        buffer += bytes
        while takeStep() {}
        dropWhatIsDone()
    }

    private mutating func takeStep() -> Bool {
        let step = withExactly(buffer) { bytes in
            let step = parser.parse(bytes)
            if step == .command {
                commands.append(parser.lendArguments(of: bytes) { words in (0..<words.count).map { [UInt8](words[$0]) } })
            }
            return step
        }
        if case .violation(let found) = step { violation = found }
        if step == .command, dropsEagerly { dropWhatIsDone() }
        return step == .command
    }

    private mutating func dropWhatIsDone() {
        let count = parser.takeConsumed()
        promise(count <= buffer.count, "more is done with than was sent")
        buffer.removeFirst(count)
    }

    static func == (one: Self, other: Self) -> Bool {
        one.commands == other.commands && one.violation == other.violation && one.buffer == other.buffer
    }

    var description: String { "\(commands), \(String(describing: violation)), \(buffer)" }
}

import NIOCore
import RESP
import TestSupport

/// What a server answers, through the client's `ReplyParser`.
///
/// Promises: however the bytes are cut, the same values come out and the same violation ends them; values that are written anew come out
/// as they were.
enum Replies {
    static func run(_ input: Input) {
        var input = input
        let limits = input.byte() & 1 == 0 ? ReplyParser.Limits() : narrow
        var random = SeededRandom(seed: UInt64(input.word16()))
        let bytes = input.remainder()
        let whole = read([bytes[...]], limits)
        var pieces: [ArraySlice<UInt8>] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            let piece = rest.prefix(Int.random(in: 1...max(1, bytes.count / 2), using: &random))
            pieces.append(piece)
            rest = rest.dropFirst(piece.count)
        }
        let cut = read(pieces, limits)
        promise(whole.text == cut.text && whole.violation == cut.violation, "cut otherwise, \(bytes) are \(cut) and not \(whole)")
        let writable = whole.values.filter(isWritable)
        let again = read([writable.flatMap(written)[...]], .init())
        promise(again.violation == nil && again.text == "\(writable)", "written anew, \(writable) are \(again)")
        for value in whole.values { look(at: value) }
    }

    private static var narrow: ReplyParser.Limits {
        var limits = ReplyParser.Limits()
        limits.bulkBytesMax = 40
        limits.lineBytesMax = 30
        limits.elementsMax = 6
        limits.valuesMax = 20
        limits.frameBytesMax = 200
        limits.depthMax = 4
        return limits
    }

    private struct Reading {
        var values: [RESPValue] = []
        var violation: ProtocolViolation?
        /// Not by ==, for which no NaN is the same as another.
        var text: String { "\(values)" }
    }

    private static func read(_ pieces: [ArraySlice<UInt8>], _ limits: ReplyParser.Limits) -> Reading {
        var parser = ReplyParser(limits: limits)
        var reading = Reading()
        var buffer = ByteBuffer()
        for piece in pieces {
            buffer.writeBytes(piece)
            do throws(ProtocolViolation) {
                while let value = try parser.next(from: &buffer) { reading.values.append(value) }
            } catch {
                reading.violation = error
            }
        }
        return reading
    }

    /// A format of a verbatim string that is no UTF-8 comes out longer than it may be.
    private static func isWritable(_ value: RESPValue) -> Bool {
        switch value {
        case .verbatim(let format, _): format.utf8.count == 3
        case .array(let values), .set(let values), .push(let values): values.allSatisfy(isWritable)
        case .map(let entries): entries.allSatisfy { isWritable($0.key) && isWritable($0.value) }
        default: true
        }
    }

    private static func written(_ value: RESPValue) -> [UInt8] {
        switch value {
        case .simple(let text): line("+", text)
        case .error(let code, let message): error(message.isEmpty ? code : "\(code) \(message)")
        case .integer(let number): line(":", "\(number)")
        case .double(let number): line(",", "\(number)")
        case .bigNumber(let digits): line("(", digits)
        case .boolean(let isTrue): line("#", isTrue ? "t" : "f")
        case .null: line("_", "")
        case .bulk(let bytes): line("$", "\(bytes.count)") + bytes + end
        case .verbatim(let format, let text): line("=", "\(text.utf8.count + 4)") + Array("\(format):\(text)".utf8) + end
        case .array(let values): line("*", "\(values.count)") + values.flatMap(written)
        case .set(let values): line("~", "\(values.count)") + values.flatMap(written)
        case .push(let values): line(">", "\(values.count)") + values.flatMap(written)
        case .map(let entries): line("%", "\(entries.count)") + entries.flatMap { written($0.key) + written($0.value) }
        }
    }

    /// In the form that may hold line breaks where it holds some.
    private static func error(_ text: String) -> [UInt8] {
        if !text.utf8.contains(where: { $0 == UInt8(ascii: "\r") || $0 == UInt8(ascii: "\n") }) { return line("-", text) }
        return line("!", "\(text.utf8.count)") + Array(text.utf8) + end
    }

    private static let end = Array("\r\n".utf8)

    private static func line(_ type: String, _ text: String) -> [UInt8] { Array(type.utf8) + Array(text.utf8) + end }

    private static func look(at value: RESPValue) {
        _ = (value.string, value.bytes, value.integer, value.double, value.boolean, value.array, value.entries, value["a"])
    }
}

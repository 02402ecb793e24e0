import NIOCore
import TestSupport
import Testing

@testable import RESP

@Suite("ReplyParser")
struct ReplyParserTests {
    private func parsed(_ text: String, limits: ReplyParser.Limits = .init()) throws -> [RESPValue] {
        var parser = ReplyParser(limits: limits)
        var buffer = ByteBuffer(string: text)
        var values: [RESPValue] = []
        while let value = try parser.next(from: &buffer) { values.append(value) }
        return values
    }

    @Test(
        "every type of either version is read",
        arguments: [
            ("+OK\r\n", RESPValue.simple("OK")),
            ("+\r\n", .simple("")),
            ("-CONFLICT the id is taken\r\n", .error(code: "CONFLICT", message: "the id is taken")),
            ("-BUSY\r\n", .error(code: "BUSY", message: "")),
            ("!9\r\nBAD a\r\nbc\r\n", .error(code: "BAD", message: "a\r\nbc")),
            (":42\r\n", .integer(42)),
            (":-9223372036854775808\r\n", .integer(.min)),
            ("$5\r\na\r\nbc\r\n", .bulk(Array("a\r\nbc".utf8))),
            ("$0\r\n\r\n", .bulk([])),
            ("$-1\r\n", .null),
            ("*-1\r\n", .null),
            ("_\r\n", .null),
            ("#t\r\n", .boolean(true)),
            ("#f\r\n", .boolean(false)),
            (",1.5\r\n", .double(1.5)),
            (",-inf\r\n", .double(-.infinity)),
            ("(-3492890328409238509324850943850943825024385\r\n", .bigNumber("-3492890328409238509324850943850943825024385")),
            ("=7\r\ntxt:a\r\n\r\n", .verbatim(format: "txt", text: "a\r\n")),
            ("*0\r\n", .array([])),
            ("*2\r\n:1\r\n*1\r\n_\r\n", .array([.integer(1), .array([.null])])),
            ("~1\r\n+a\r\n", .set([.simple("a")])),
            (">2\r\n+a\r\n+b\r\n", .push([.simple("a"), .simple("b")])),
            ("%1\r\n$1\r\na\r\n%0\r\n", .map([.init(key: .bulk([0x61]), value: .map([]))])),
            ("*2\r\n|1\r\n+ttl\r\n:3\r\n:1\r\n:2\r\n", .array([.integer(1), .integer(2)])),
            ("|1\r\n+a\r\n*1\r\n+b\r\n+OK\r\n", .simple("OK")),
            ("|0\r\n*0\r\n", .array([])),
        ])
    func types(_ text: String, _ value: RESPValue) throws {
        #expect(try parsed(text) == [value])
        #expect(try parsed(text + text + ":7\r\n") == [value, value, .integer(7)])
    }

    @Test("an answer is not given before its last byte, and then at once")
    func everyPrefix() throws {
        let text = "%2\r\n$8\r\nmessages\r\n*2\r\n%1\r\n+id\r\n:1\r\n|1\r\n+x\r\n:1\r\n*0\r\n+next\r\n_\r\n"
        let whole = try parsed(text)
        let bytes = Array(text.utf8)
        for cut in 0..<bytes.count { #expect(try parsed(String(decoding: bytes[..<cut], as: UTF8.self)).isEmpty) }
        var parser = ReplyParser()
        var buffer = ByteBuffer()
        var values: [RESPValue] = []
        for byte in bytes {
            buffer.writeInteger(byte)
            if let value = try parser.next(from: &buffer) { values.append(value) }
        }
        #expect(values == whole)
    }

    @Test(
        "what is no answer is a violation",
        arguments: [
            ("x\r\n", ProtocolViolation.typeUnknown(found: 0x78)),
            ("\r\n", .lineEndingMissing),
            (":1\n", .lineEndingMissing),
            ("\n", .lineEndingMissing),
            (":\r\n", .valueMalformed),
            (":99999999999999999999\r\n", .valueMalformed),
            (",abc\r\n", .valueMalformed),
            ("#x\r\n", .valueMalformed),
            ("_x\r\n", .valueMalformed),
            ("(12a\r\n", .valueMalformed),
            ("(-\r\n", .valueMalformed),
            ("=3\r\nabc\r\n", .valueMalformed),
            ("$x\r\n", .lengthNotANumber),
            ("$-2\r\n", .lengthNegative),
            ("%-1\r\n", .lengthNegative),
            ("*?\r\n", .lengthNotANumber),
            ("$1\r\nabc", .lineEndingMissing),
            ("$67108865\r\n", .bulkTooLong(bytesMax: 64 << 20)),
            ("*1048577\r\n", .tooManyElements(max: 1 << 20)),
            (String(repeating: "*1\r\n", count: 33), .nestingTooDeep(max: 32)),
        ])
    func violations(_ text: String, _ expected: ProtocolViolation) {
        #expect(throws: expected) { try parsed(text) }
    }

    @Test("an answer that is too much, all in all, is a violation")
    func totals() {
        var limits = ReplyParser.Limits()
        limits.valuesMax = 4
        limits.frameBytesMax = 30
        limits.lineBytesMax = 10
        #expect(throws: ProtocolViolation.tooManyElements(max: 4)) { try parsed("*3\r\n*1\r\n:1\r\n*1\r\n:1\r\n", limits: limits) }
        #expect(throws: ProtocolViolation.frameTooLong(bytesMax: 30)) {
            try parsed("*2\r\n$10\r\n0123456789\r\n$10\r\n0123456789\r\n", limits: limits)
        }
        #expect(throws: ProtocolViolation.lineTooLong(bytesMax: 10)) { try parsed("+0123456789x", limits: limits) }
        #expect(throws: Never.self) { try parsed("*3\r\n:1\r\n:1\r\n:1\r\n*3\r\n:1\r\n:1\r\n:1\r\n", limits: limits) }
    }

    @Test("random bytes come to the same in any pieces, and to no trap")
    func randomBytes() {
        var random = SeededRandom(for: "random answers")
        let alphabet = Array("*$%~>|=!:,(#_+-0123456789tfinxa\r\n\r\n\r\n\r\n".utf8)
        for _ in 0..<5000 {
            let bytes = (0..<Int.random(in: 0...80, using: &random)).map { _ in alphabet.randomElement(using: &random) ?? 0 }
            var (whole, pieces) = (ReplyParser(), ReplyParser())
            let expected = outcome(of: &whole, [bytes[...]])
            let cut = Int.random(in: 0...bytes.count, using: &random)
            #expect(outcome(of: &pieces, [bytes[..<cut], bytes[cut...]]) == expected)
        }
    }

    private struct Outcome: Equatable {
        var values: [String] = []  // As text, because nan differs from itself.
        var violation: ProtocolViolation?
    }

    private func outcome(of parser: inout ReplyParser, _ pieces: [ArraySlice<UInt8>]) -> Outcome {
        var outcome = Outcome()
        var buffer = ByteBuffer()
        for piece in pieces {
            buffer.writeBytes(piece)
            do throws(ProtocolViolation) {
                while let value = try parser.next(from: &buffer) { outcome.values.append("\(value)") }
            } catch {
                outcome.violation = error
            }
        }
        return outcome
    }
}

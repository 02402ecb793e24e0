import Testing

@testable import RESP

@Suite("CommandParser")
struct CommandParserTests {
    @Test("an array of bulk strings is a command")
    func array() {
        let client = Client.after("*2\r\n$4\r\nECHO\r\n$5\r\nhello\r\n")
        #expect(client.texts == [["ECHO", "hello"]])
        #expect(client.bytesKept == 0)
    }

    @Test("a pipeline gives its commands in order, and keeps the part of the last")
    func pipeline() {
        let client = Client.after("*1\r\n$4\r\nPING\r\nPING inline\r\n*1\r\n$3\r\none\r\n*2\r\n$3\r\nt")
        #expect(client.texts == [["PING"], ["PING", "inline"], ["one"]])
        #expect(client.bytesKept == 9)
    }

    @Test("a word may be empty, and may hold any byte")
    func anyBytes() {
        let words: [[UInt8]] = [Array("SET".utf8), [], Array(0...255), Array("\r\n$5\r\n*1\r\n".utf8)]
        var client = Client()
        client.send(frame(words))
        #expect(client.commands == [words])
    }

    @Test("empty arrays and empty lines are skipped, and do not pile up")
    func skipped() {
        let client = Client.after("\r\n\n*0\r\n   \t\r\n*00\r\nPING\n\r\n*0\r\n")
        #expect(client.texts == [["PING"]])
        #expect(client.bytesKept == 0)
    }

    @Test("after a command with arguments an empty line does not bring its words back")
    func nothingLeftOver() {
        let client = Client.after("*2\r\n$1\r\na\r\n$1\r\nb\r\n\r\nx\r\n \r\n*1\r\n$1\r\nc\r\n")
        #expect(client.texts == [["a", "b"], ["x"], ["c"]])
    }

    @Test(
        "what is no RESP is a violation",
        arguments: [
            ("*1\r\n:1\r\n", ProtocolViolation.bulkStringExpected(found: 0x3A)),
            ("*1\r\n*1\r\n", .bulkStringExpected(found: 0x2A)),
            ("*-1\r\n", .lengthNegative),
            ("*1\r\n$-1\r\n", .lengthNegative),
            ("*x\r\n", .lengthNotANumber),
            ("*\r\n", .lengthNotANumber),
            ("*1x\r\n", .lengthNotANumber),
            ("*+1\r\n", .lengthNotANumber),
            ("* 1\r\n", .lengthNotANumber),
            ("*1\n$", .lengthNotANumber),
            ("*1\rx", .lineEndingMissing),
            ("*1\r\n$\r\n", .lengthNotANumber),
            ("*1\r\n$1a\r\n", .lengthNotANumber),
            ("*0000000000000000000000000000000001\r\n", .lengthNotANumber),
            ("*1\r\n$4\r\nPINGxx", .lineEndingMissing),
            ("*1\r\n$4\r\nPING\rx", .lineEndingMissing),
            ("*1\r\n$3\r\nPING\r\n", .lineEndingMissing),
            ("say \"hello\r\n", .quotesUnbalanced),
            ("say \"hello\"there\r\n", .quotesUnbalanced),
        ])
    func violations(_ bytes: String, _ expected: ProtocolViolation) {
        let client = Client.after(bytes)
        #expect(client.violation == expected)
        #expect(client.commands.isEmpty)
    }

    @Test("the commands before a violation are given, and nothing after it")
    func violationIsFinal() {
        var client = Client.after("*1\r\n$4\r\nPING\r\n*?\r\n")
        client.send(frame("PING"))
        #expect(client.texts == [["PING"]])
        #expect(client.violation == .lengthNotANumber)
    }
}

@Suite("CommandParser's limits")
struct CommandLimitsTests {
    @Test("a frame that announces too much is refused when it announces, not when it comes")
    func announcements() {
        #expect(Client.after("*3\r\n$3\r\nSET\r\n$2147483648").violation == .bulkTooLong(bytesMax: 1 << 20))
        #expect(Client.after("*1\r\n$99999999999999999999999999999").violation == .bulkTooLong(bytesMax: 1 << 20))
        #expect(Client.after("*1025").violation == .tooManyElements(max: 1024))
        #expect(Client.after("*18446744073709551617\r\n").violation == .tooManyElements(max: 1024))
    }

    @Test("what is exactly as large as allowed is taken, and one more is not")
    func edges() {
        var limits = CommandParser.Limits()
        limits.argumentsMax = 2
        limits.bulkBytesMax = 5
        limits.inlineBytesMax = 6
        #expect(Client.after("*2\r\n$5\r\nhello\r\n$0\r\n\r\n", limits: limits).texts == [["hello", ""]])
        #expect(Client.after("*3\r\n", limits: limits).violation == .tooManyElements(max: 2))
        #expect(Client.after("*1\r\n$6\r\n", limits: limits).violation == .bulkTooLong(bytesMax: 5))
        #expect(Client.after("hello!\n", limits: limits).texts == [["hello!"]])
        #expect(Client.after("hello a", limits: limits).violation == .lineTooLong(bytesMax: 6))
        #expect(Client.after("hello a\n", limits: limits).violation == .lineTooLong(bytesMax: 6))
        #expect(Client.after("a b c\n", limits: limits).violation == .tooManyElements(max: 2))
    }

    @Test("many words, each small enough, are too much together")
    func frameBytes() {
        var limits = CommandParser.Limits()
        limits.frameBytesMax = 40
        #expect(
            Client.after("*2\r\n$10\r\n0123456789\r\n$13\r\n0123456789012\r\n", limits: limits).violation == .frameTooLong(bytesMax: 40))
        #expect(Client.after("*2\r\n$10\r\n0123456789\r\n$13\r\n", limits: limits).violation == .frameTooLong(bytesMax: 40))
        #expect(Client.after("*2\r\n$10\r\n0123456789\r\n$12\r\n012345678901\r\n", limits: limits).violation == nil)
    }

    @Test("a line that never ends is refused at its limit")
    func endlessLine() {
        var client = Client()
        for _ in 0..<64 { client.send(repeatElement(UInt8(ascii: "x"), count: 1024)) }
        #expect(client.violation == nil)
        client.send([UInt8(ascii: "x")])
        #expect(client.violation == .lineTooLong(bytesMax: 64 << 10))
    }

    @Test("every violation is one line of text", arguments: [ProtocolViolation.bulkStringExpected(found: 0x0D), .typeUnknown(found: 0x0A)])
    func sentences(_ violation: ProtocolViolation) {
        #expect(!violation.description.utf8.contains { $0 < 0x20 })
    }
}

@Suite("Inline commands")
struct InlineWordsTests {
    @Test(
        "a line is split as Redis splits it",
        arguments: [
            ("PING", ["PING"]),
            ("  a   b\tc  ", ["a", "b", "c"]),
            ("\u{0B}\u{0C}a b\u{0B}c", ["a", "b\u{0B}c"]),
            ("say \"hello world\"", ["say", "hello world"]),
            ("say 'hello world'", ["say", "hello world"]),
            ("say \"\" ''", ["say", "", ""]),
            ("say foo\"bar baz\"", ["say", "foobar baz"]),
            (#"say "a\n\r\t\b\a\\\"\q""#, ["say", "a\n\r\t\u{08}\u{07}\\\"q"]),
            (#"say "\x41\x6a\x6G""#, ["say", "Ajx6G"]),
            (#"say 'it\'s \n raw'"#, ["say", #"it's \n raw"#]),
            (#"say a\nb"#, ["say", #"a\nb"#]),
            ("say a\u{0}b", ["say", "a\u{0}b"]),
            ("say 'é\"ü'", ["say", "é\"ü"]),
        ])
    func split(_ line: String, _ words: [String]) {
        #expect(Client.after(line + "\r\n").texts == [words])
        #expect(Client.after(line + "\n").texts == [words])
    }

    @Test(
        "quotes that do not close, or close within a word, are a violation",
        arguments: [
            "\"", "'", "a \"b", "a 'b", "a \"b\\\"", "a 'b\\'", "a \"b\"c", "a 'b'c", "a \"b\\", "a \"\"\"\"", #"a "\x4"#,
        ])
    func unbalanced(_ line: String) {
        #expect(Client.after(line + "\r\n").violation == .quotesUnbalanced)
    }

    @Test("an escape of a byte that is not UTF-8 comes through as that byte")
    func rawByte() {
        #expect(Client.after("x \"\\xff\\x00\"\r\n").commands == [[[0x78], [0xFF, 0x00]]])
    }
}

@Suite("CommandArguments")
struct CommandArgumentsTests {
    @Test("an option is recognized in any case, and nothing else is")
    func matches() {
        var parser = CommandParser()
        let bytes = Array("x asOf ASOF asoff as@f \u{0}SOF\r\n".utf8)
        bytes.withUnsafeBytes { bytes in
            let step = parser.parse(bytes)
            #expect(step == .command)
            let found = parser.lendArguments(of: bytes) { arguments in
                (0..<arguments.count).filter { arguments.matches($0, "ASOF") }
            }
            #expect(found == [1, 2])
        }
    }
}

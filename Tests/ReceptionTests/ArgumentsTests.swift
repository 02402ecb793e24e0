import Archive
import Events
import RESP
import Testing

@testable import Reception

@Suite("Arguments")
struct ArgumentsTests {
    @Test("a SEND without options lends its words")
    func plainSend() throws {
        try withWords("SEND", "t", "c", "s", "m", "body") { words throws(Refusal) in
            let send = try SendCommand(words)
            #expect(String(decoding: send.draft.conversation, as: UTF8.self) == "c")
            #expect(String(decoding: send.draft.body, as: UTF8.self) == "body")
            #expect(send.draft.contentType.isEmpty)
            #expect(!send.isReport)
        }
    }

    @Test("options come in any order and any case of letters")
    func allOptions() throws {
        try withWords(
            "SEND", "t", "c", "s", "m", "b", "report", "At", "5", "expect", "none", "TYPE", "image/png", "clienttime", "7"
        ) { words throws(Refusal) in
            let send = try SendCommand(words)
            #expect(send.isReport)
            #expect(send.draft.at == Instant(milliseconds: 5))
            #expect(send.draft.expected.map { "\($0)" } == "none")
            #expect(send.draft.clientTime == Instant(milliseconds: 7))
            #expect(String(decoding: send.draft.contentType, as: UTF8.self) == "image/png")
        }
    }

    @Test(
        "a SEND's option that makes no sense is named",
        arguments: [
            (["TYPE"], "BADARG TYPE needs a value behind it"), (["TYPE", ""], "BADARG TYPE is empty"),
            (["AT", "1", "at", "2"], "BADARG AT is given twice"), (["AT", "-1"], "BADARG AT must be a time"),
            (["AT", "99999999999999999"], "BADARG AT must be a time"), (["EXPECT", "0"], "BADARG EXPECT must be the position"),
            (["EXPECT", "9223372036854775808"], "BADARG EXPECT must be"), (["WHY", "1"], "BADARG SEND knows no option 'WHY'"),
            (["A\u{7}\u{9B}B"], "BADARG SEND knows no option 'A??B'"), (["CLIENTTIME", "x"], "BADARG CLIENTTIME must be"),
        ])
    func badOptions(options: [String], complaint: String) {
        let said = refusal(of: ["SEND", "t", "c", "s", "m", "b"] + options) { words throws(Refusal) in _ = try SendCommand(words) }
        #expect(said.hasPrefix(complaint))
    }

    @Test("an id that is spelled like an option is an id where an id must be")
    func idsLikeOptions() throws {
        try withWords("LOCALDELETE", "t", "c", "v", "ID", "REPORT") { words throws(Refusal) in
            let deletion = try LocalDeleteCommand(words)
            #expect(deletion.draft.extent == .messages([try Self.name("REPORT")]))
            #expect(!deletion.isReport)
        }
        try withWords("LOCALDELETE", "t", "c", "v", "ID", "AT", "5") { words throws(Refusal) in
            let deletion = try LocalDeleteCommand(words)
            #expect(deletion.draft.extent == .messages([try Self.name("AT"), try Self.name("5")]))
            #expect(deletion.draft.at == nil)
        }
        try withWords("LOCALDELETE", "t", "c", "v", "ID", "a", "b", "AT", "5", "REPORT") { words throws(Refusal) in
            let deletion = try LocalDeleteCommand(words)
            #expect(deletion.draft.extent == .messages([try Self.name("a"), try Self.name("b")]))
            #expect(deletion.draft.at == Instant(milliseconds: 5))
            #expect(deletion.isReport)
        }
    }

    private static func name<Of>(_ text: String) throws(Refusal) -> Name<Of> {
        do { return try Name(text) } catch { throw Refusal(.badArgument, "\(error)") }
    }

    @Test("UPTO takes a position, and options behind it")
    func upTo() throws {
        try withWords("localdelete", "t", "c", "v", "upto", "9", "AT", "5") { words throws(Refusal) in
            let deletion = try LocalDeleteCommand(words)
            #expect(deletion.draft.extent == .upTo(Position(9)))
            #expect(deletion.draft.at == Instant(milliseconds: 5))
        }
        let zero = refusal(of: ["LOCALDELETE", "t", "c", "v", "UPTO", "0"]) { words throws(Refusal) in _ = try LocalDeleteCommand(words) }
        let more = refusal(of: ["LOCALDELETE", "t", "c", "v", "UPTO", "1", "x"]) { words throws(Refusal) in
            _ = try LocalDeleteCommand(words)
        }
        let neither = refusal(of: ["LOCALDELETE", "t", "c", "v", "ALL", "1"]) { words throws(Refusal) in _ = try LocalDeleteCommand(words) }
        #expect(zero.hasPrefix("BADARG UPTO must be a whole number from 1"))
        #expect(more.hasPrefix("BADARG LOCALDELETE knows no option 'x'"))
        #expect(neither.hasPrefix("BADARG LOCALDELETE needs ID or UPTO"))
    }

    @Test("a retention change reads scope, period and reason")
    func retention() throws {
        try withWords("RETENTION.SET", "tenant", "t", "conversation", "c", "5y", "reason", "the law", "REPORT") { words throws(Refusal) in
            let change = try RetentionSetCommand(words, presets: RetentionPreset.all)
            #expect(change.draft.scope.description == "TENANT t CONVERSATION c")
            #expect(change.draft.changes == [.init(.policy, .keep(.years(5)))])
            #expect(change.draft.reason == "the law")
            #expect(change.isReport)
        }
    }

    @Test(
        "what is wrong with a retention change is said",
        arguments: [
            (["SYSTEM", "0d", "REASON", "x"], "BADARG period '0d' is none"), (["T", "x", "5y", "REASON", "x"], "BADARG scope must be"),
            (["TENANT", "t", "5y", "AT", "5"], "BADARG REASON is missing"), (["SYSTEM", "5y", "REASON", " "], "BADARG REASON is empty"),
            (["SYSTEM", "5y", "REASON", "a\u{1B}b"], "BADARG REASON holds a control character"),
            (["TENANT", "t", "CONVERSATION"], "BADARG CONVERSATION needs a value"), (["TENANT", "t"], "BADARG RETENTION.SET needs"),
            (["SYSTEM", "5y", "FLOORS", "REASON", "x"], "BADARG RETENTION.SET knows no option 'FLOORS'"),
            (["SYSTEM", "PRESET", "mars", "REASON", "x"], "BADARG PRESET must be one of default, six-months"),
            (["SYSTEM", "PRESET", "finance", "FLOOR", "REASON", "x"], "BADARG FLOOR does not go with PRESET"),
            (["SYSTEM", "5y", "REASON", String(repeating: "x", count: 1025)], "TOOLONG REASON has 1025 bytes"),
        ])
    func badRetention(words: [String], complaint: String) {
        let said = refusal(of: ["RETENTION.SET"] + words) { words throws(Refusal) in
            _ = try RetentionSetCommand(words, presets: RetentionPreset.all)
        }
        #expect(said.hasPrefix(complaint))
    }

    @Test("a page begins at an end, or at a cursor")
    func pages() throws {
        func start(_ words: String...) throws(Refusal) -> TimelineQuestion.Start {
            try lend(["TIMELINE", "t", "c", "VIEWER", "v"] + words) { words throws(Refusal) in try TimelineCommand(words).question.from }
        }
        #expect(try start() == .end)
        #expect(try start("BEFORE", "+") == .end)
        #expect(try start("AFTER", "-") == .beginning)
        #expect(try start("after", "5-7") == .after(Cursor(at: Instant(milliseconds: 5), position: Position(7))))
        #expect(try start("BEFORE", "5-7") == .before(Cursor(at: Instant(milliseconds: 5), position: Position(7))))
    }

    @Test("a moment is a time in several spellings, or a position")
    func moments() throws {
        func moment(_ word: String) throws(Refusal) -> AsOf {
            try lend(["MESSAGE.GET", "t", "m", "ASOF", word]) { words throws(Refusal) in try MessageCommand(words).question.asOf }
        }
        #expect(try moment("#7") == .position(Position(7)))
        #expect(try moment("2018-02-03") == .time(Instant(milliseconds: 1_517_616_000_000)))
        #expect(try moment("2018-02-03T00:00:00.001Z") == .time(Instant(milliseconds: 1_517_616_000_001)))
        #expect(try moment("1517616000000") == .time(Instant(milliseconds: 1_517_616_000_000)))
        for wrong in ["#", "#x", "yesterday", "", "-1"] {
            let said = refusal(of: ["MESSAGE.GET", "t", "m", "ASOF", wrong]) { words throws(Refusal) in _ = try MessageCommand(words) }
            #expect(said.hasPrefix("BADARG ASOF must be"))
        }
    }

    @Test("what could be read once, and cannot now, is asked for with a reason, as of a moment")
    func pastBodies() throws {
        func page(_ words: String...) throws(Refusal) -> Bool {
            try lend(["TIMELINE", "t", "c"] + words) { words throws(Refusal) in
                let command = try TimelineCommand(words)
                #expect(command.question.hasPastBodies == (command.reason != nil))
                return command.question.hasPastBodies
            }
        }
        func message(_ words: String...) throws(Refusal) -> Bool {
            try lend(["MESSAGE.GET", "t", "m"] + words) { words throws(Refusal) in
                let command = try MessageCommand(words)
                #expect(command.question.hasPastBodies == (command.reason != nil))
                return command.question.hasPastBodies
            }
        }
        #expect(try !page("VIEWER", "v", "ASOF", "#3"))
        #expect(try page("VIEWER", "v", "ASOF", "#3", "REASON", "r"))
        #expect(try page("REASON", "r"))
        #expect(try !message("VIEWER", "v", "ASOF", "#3"))
        #expect(try message("VIEWER", "v", "ASOF", "#3", "REASON", "r"))
        #expect(try message("REASON", "r", "ASOF", "#3"))
        #expect(throws: Refusal.self) { try page("VIEWER", "v", "REASON", "r") }
        #expect(throws: Refusal.self) { try message("VIEWER", "v", "REASON", "r") }
        #expect(throws: Refusal.self) { try message("ASOF", "#3", "REASON", " ") }
    }

    @Test("reading the log needs a place to begin, and waits no longer than an hour")
    func eventsRead() throws {
        let command = try lend(["EVENTS.READ", "COUNT", "3", "FROM", "9", "BLOCK", "100", "TENANT", "t"]) { words throws(Refusal) in
            try EventsReadCommand(words)
        }
        #expect(command.question.from == Position(9))
        #expect(command.question.count == 3)
        #expect(command.blockMilliseconds == 100)
        for (words, complaint) in [
            (["COUNT", "3"], "BADARG FROM is missing"), (["FROM", "1", "BLOCK", "0"], "BADARG BLOCK must be"),
            (["FROM", "1", "BLOCK", "3600001"], "BADARG BLOCK must be"),
            (["FROM", "1", "VIEWER", "v"], "BADARG EVENTS.READ knows no option"),
        ] {
            let said = refusal(of: ["EVENTS.READ"] + words) { words throws(Refusal) in _ = try EventsReadCommand(words) }
            #expect(said.hasPrefix(complaint))
        }
    }
}

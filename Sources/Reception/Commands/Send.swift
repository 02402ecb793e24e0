import Archive
import Events
import RESP

/// `SEND tenant conversation sender message-id body [TYPE mime] [CLIENTTIME ms] [EXPECT position|NONE] [AT ms] [REPORT]`
struct SendCommand {
    enum Option: UInt8, OptionWord {
        case type, clientTime, expect, at, report

        var word: StaticString {
            switch self {
            case .type: "TYPE"
            case .clientTime: "CLIENTTIME"
            case .expect: "EXPECT"
            case .at: "AT"
            case .report: "REPORT"
            }
        }
    }

    /// Lent as the command's words are. Names, body and content type are looked at by the appender.
    let draft: SendDraft
    let isReport: Bool

    /// The hot path: copies nothing and allocates nothing.
    @inline(__always)
    init(_ words: borrowing CommandArguments) throws(Refusal) {
        var draft = SendDraft(tenant: words[1], conversation: words[2], sender: words[3], messageID: words[4], body: words[5])
        isReport = words.count == 6 ? false : try Self.readOptions(of: words, into: &draft)
        self.draft = draft
    }

    private static func readOptions(
        of words: borrowing CommandArguments, into draft: inout SendDraft
    ) throws(Refusal) -> Bool {
        var options = Options<Option>(of: "SEND", words, from: 6)
        var isReport = false
        while let option = try options.next(words) {
            switch option {
            case .type: draft.contentType = try contentType(try options.value(of: option, words), words)
            case .clientTime: draft.clientTime = try words.milliseconds(try options.value(of: option, words), "CLIENTTIME")
            case .expect: draft.expected = try expectation(try options.value(of: option, words), words)
            case .at: draft.at = try words.milliseconds(try options.value(of: option, words), "AT")
            case .report: isReport = true
            }
        }
        return isReport
    }

    /// An empty one would mean plain text to the appender; whoever writes `TYPE` means something else.
    private static func contentType(
        _ index: Int, _ words: borrowing CommandArguments
    ) throws(Refusal) -> UnsafeRawBufferPointer {
        if words[index].isEmpty { throw Refusal(.badArgument, "TYPE is empty; give a media type such as image/png, or leave TYPE out") }
        return words[index]
    }

    private static func expectation(_ index: Int, _ words: borrowing CommandArguments) throws(Refusal) -> ExpectedPosition {
        if words.matches(index, "NONE") { return .none }
        guard let number = Decimal.read(words[index]), (1...Decimal.positionMax).contains(number) else {
            throw Refusal(.badArgument, "EXPECT must be the position of the conversation's last event, or NONE")
        }
        return .position(Position(number))
    }
}

import Archive
import Events
import RESP

/// Words that several questions know.
enum QuestionOption: UInt8, OptionWord {
    case viewer, before, after, count, asOf, from, block, tenant, explain, reason

    var word: StaticString {
        switch self {
        case .viewer: "VIEWER"
        case .before: "BEFORE"
        case .after: "AFTER"
        case .count: "COUNT"
        case .asOf: "ASOF"
        case .from: "FROM"
        case .block: "BLOCK"
        case .tenant: "TENANT"
        case .explain: "EXPLAIN"
        case .reason: "REASON"
        }
    }

    /// This option in a command that does not have it.
    func unknown(to command: StaticString) -> Refusal {
        Refusal(.badArgument, "\(command) knows no option '\(word)'")
    }
}

/// `TIMELINE tenant conversation VIEWER v | REASON text | VIEWER v ASOF when REASON text [BEFORE cursor | AFTER cursor] [COUNT n] [ASOF when]`
struct TimelineCommand: Sendable {
    var question: TimelineQuestion
    /// Of an auditor, who is nobody's eyes, or is shown what the viewer saw once and cannot see any more.
    let reason: String?

    init(_ words: borrowing CommandArguments) throws(Refusal) {
        let tenant: TenantID = try words.name(1, "tenant")
        let conversation: ConversationID = try words.name(2, "conversation")
        var options = Options<QuestionOption>(of: "TIMELINE", words, from: 3)
        var viewer: UserID?
        var start: TimelineQuestion.Start?
        var reason: String?
        var count = TimelineQuestion.countDefault
        var asOf = AsOf.now
        while let option = try options.next(words) {
            if option == .explain { throw option.unknown(to: "TIMELINE") }
            let value = try options.value(of: option, words)
            switch option {
            case .viewer: viewer = try words.name(value, "VIEWER")
            case .before, .after:
                guard start == nil else { throw Refusal(.badArgument, "BEFORE and AFTER exclude each other; give one of them") }
                start = try Self.start(option, value, words)
            case .count: count = try words.pageCount(value, max: TimelineQuestion.countMax)
            case .asOf: asOf = try words.moment(value)
            case .reason: reason = try words.reason(value)
            case .from, .block, .tenant, .explain: throw option.unknown(to: "TIMELINE")
            }
        }
        if viewer == nil, reason == nil {
            throw Refusal(.badArgument, "VIEWER is missing; a timeline is somebody's, or an auditor's, who gives a REASON instead")
        }
        if viewer != nil, reason != nil, asOf == .now {
            throw Refusal(.badArgument, "VIEWER and REASON go together as of a moment only; give an ASOF, or leave one of them out")
        }
        question = TimelineQuestion(
            tenant: tenant, conversation: conversation, viewer: viewer, from: start ?? .end, count: count, asOf: asOf,
            hasPastBodies: reason != nil)
        self.reason = reason
    }

    private static func start(
        _ option: QuestionOption, _ index: Int, _ words: borrowing CommandArguments
    ) throws(Refusal) -> TimelineQuestion.Start {
        if option == .before, words.matches(index, "+") { return .end }
        if option == .after, words.matches(index, "-") { return .beginning }
        guard let text = words.text(index), let cursor = Cursor(text: text) else {
            let end = option == .before ? "+ for the end" : "- for the beginning"
            throw Refusal(.badArgument, "\(option.word) must be a cursor from an earlier page, or \(end)")
        }
        return option == .before ? .before(cursor) : .after(cursor)
    }
}

/// `MESSAGE.GET tenant message-id [VIEWER v] [ASOF when [REASON text]] [EXPLAIN]`
struct MessageCommand: Sendable {
    var question: MessageQuestion
    /// Of an auditor, who is shown what could be read then and cannot be read any more.
    let reason: String?

    init(_ words: borrowing CommandArguments) throws(Refusal) {
        question = MessageQuestion(tenant: try words.name(1, "tenant"), id: try words.name(2, "message-id"))
        var options = Options<QuestionOption>(of: "MESSAGE.GET", words, from: 3)
        var reason: String?
        while let option = try options.next(words) {
            switch option {
            case .viewer: question.viewer = try words.name(try options.value(of: option, words), "VIEWER")
            case .asOf: question.asOf = try words.moment(try options.value(of: option, words))
            case .explain: question.isExplained = true
            case .reason: reason = try words.reason(try options.value(of: option, words))
            case .before, .after, .count, .from, .block, .tenant: throw option.unknown(to: "MESSAGE.GET")
            }
        }
        if reason != nil, question.asOf == .now {
            throw Refusal(.badArgument, "REASON goes with ASOF; MESSAGE.HISTORY shows a message as it is now, whatever its state")
        }
        question.hasPastBodies = reason != nil
        self.reason = reason
    }
}

/// `MESSAGE.HISTORY tenant message-id REASON text`
struct HistoryCommand: Sendable {
    let tenant: TenantID
    let id: MessageID
    let reason: String

    init(_ words: borrowing CommandArguments) throws(Refusal) {
        tenant = try words.name(1, "tenant")
        id = try words.name(2, "message-id")
        reason = try ReasonedCommand("MESSAGE.HISTORY", words, from: 3).reason
    }
}

/// `RETENTION.GET SYSTEM | TENANT t [CONVERSATION c] [ASOF when]`
extension RetentionQuestion {
    init(_ words: borrowing CommandArguments) throws(Refusal) {
        let (scope, next) = try words.scope(from: 1)
        self.init(scope: scope)
        var options = Options<QuestionOption>(of: "RETENTION.GET", words, from: next)
        while let option = try options.next(words) {
            guard option == .asOf else { throw option.unknown(to: "RETENTION.GET") }
            asOf = try words.moment(try options.value(of: option, words))
        }
    }
}

/// `EVENTS.READ FROM position [COUNT n] [BLOCK ms] [TENANT t]`
struct EventsReadCommand {
    let question: EventsQuestion
    /// How long to wait for an event if there is none.
    let blockMilliseconds: Int

    static let blockMillisecondsMax: UInt64 = 3_600_000

    init(_ words: borrowing CommandArguments) throws(Refusal) {
        var options = Options<QuestionOption>(of: "EVENTS.READ", words, from: 1)
        var from: Position?
        var count = EventsQuestion.countDefault
        var block: UInt64 = 0
        var tenant: TenantID?
        while let option = try options.next(words) {
            if option == .explain { throw option.unknown(to: "EVENTS.READ") }
            let value = try options.value(of: option, words)
            switch option {
            case .from: from = try words.position(value, "FROM")
            case .count: count = try words.pageCount(value, max: EventsQuestion.countMax)
            case .block: block = try words.number(value, "BLOCK", 1...Self.blockMillisecondsMax)
            case .tenant: tenant = try words.name(value, "TENANT")
            case .viewer, .before, .after, .asOf, .explain, .reason: throw option.unknown(to: "EVENTS.READ")
            }
        }
        guard let from else { throw Refusal(.badArgument, "FROM is missing; the log begins at FROM 1") }
        question = EventsQuestion(from: from, count: count, tenant: tenant)
        blockMilliseconds = Int(block)
    }
}

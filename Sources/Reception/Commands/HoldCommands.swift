import Archive
import Events
import RESP

/// Words of a coverage, and of what is done with one.
enum CoverageOption: UInt8, OptionWord {
    case system, tenant, conversation, sender, from, until, before, all, matter, reason, report

    var word: StaticString {
        switch self {
        case .system: "SYSTEM"
        case .tenant: "TENANT"
        case .conversation: "CONVERSATION"
        case .sender: "SENDER"
        case .from: "FROM"
        case .until: "UNTIL"
        case .before: "BEFORE"
        case .all: "ALL"
        case .matter: "MATTER"
        case .reason: "REASON"
        case .report: "REPORT"
        }
    }

    func unknown(to command: StaticString) -> Refusal { Refusal(.badArgument, "\(command) knows no option '\(word)'") }
}

/// A coverage as it is being read.
struct CoverageWords {
    private var isSystem = false
    private var tenant: TenantID?
    private var conversation: ConversationID?
    private var sender: UserID?
    private var from: Instant?
    private var until: Instant?

    var isGiven: Bool { isSystem || tenant != nil }

    /// Takes an option that is one of a coverage's; false for others.
    mutating func take(
        _ option: CoverageOption, _ options: inout Options<CoverageOption>, _ words: borrowing CommandArguments
    ) throws(Refusal) -> Bool {
        switch option {
        case .system: isSystem = true
        case .tenant: tenant = try words.name(try options.value(of: option, words), "TENANT")
        case .conversation: conversation = try words.name(try options.value(of: option, words), "CONVERSATION")
        case .sender: sender = try words.name(try options.value(of: option, words), "SENDER")
        case .from: from = try words.time(try options.value(of: option, words), "FROM")
        case .until: until = try words.time(try options.value(of: option, words), "UNTIL")
        default: return false
        }
        return true
    }

    func coverage() throws(Refusal) -> Coverage {
        if isSystem, tenant != nil { throw Refusal(.badArgument, "SYSTEM and TENANT exclude each other; give one of them") }
        if tenant == nil, conversation != nil || sender != nil {
            throw Refusal(.badArgument, "CONVERSATION and SENDER need a TENANT, since each tenant has its own")
        }
        if let from, let until, from >= until { throw Refusal(.badArgument, "UNTIL must be later than FROM") }
        return Coverage(tenant: tenant, conversation: conversation, sender: sender, from: from, until: until)
    }
}

/// `HOLD.PLACE hold scope… MATTER text REASON text [REPORT]`
struct HoldPlaceCommand {
    let hold: HoldPlace
    let isReport: Bool

    init(_ words: borrowing CommandArguments) throws(Refusal) {
        let id: HoldID = try words.name(1, "hold")
        var options = Options<CoverageOption>(of: "HOLD.PLACE", words, from: 2)
        var coverage = CoverageWords()
        var matter: String?
        var reason: String?
        var isReport = false
        while let option = try options.next(words) {
            if try coverage.take(option, &options, words) { continue }
            switch option {
            case .matter:
                matter = try words.line(
                    try options.value(of: option, words), "MATTER", bytesMax: HoldPlace.matterBytesMax, hint: "name the case")
            case .reason: reason = try words.reason(try options.value(of: option, words))
            case .report: isReport = true
            default: throw option.unknown(to: "HOLD.PLACE")
            }
        }
        guard coverage.isGiven else { throw Refusal(.badArgument, "scope is missing; write SYSTEM, or TENANT with a name") }
        guard let matter else { throw Refusal(.badArgument, "MATTER is missing; name the case that the hold is for") }
        guard let reason else { throw Refusal(.badArgument, "REASON is missing; say in a few words why") }
        hold = HoldPlace(id: id, coverage: try coverage.coverage(), matter: matter, reason: reason)
        self.isReport = isReport
    }
}

/// What ends with `REASON text [REPORT]`.
struct ReasonedCommand {
    let reason: String
    let isReport: Bool

    init(_ name: StaticString, _ words: borrowing CommandArguments, from start: Int) throws(Refusal) {
        var options = Options<CoverageOption>(of: name, words, from: start)
        var reason: String?
        var isReport = false
        while let option = try options.next(words) {
            switch option {
            case .reason: reason = try words.reason(try options.value(of: option, words))
            case .report: isReport = true
            default: throw option.unknown(to: name)
            }
        }
        guard let reason else { throw Refusal(.badArgument, "REASON is missing; say in a few words why") }
        self.reason = reason
        self.isReport = isReport
    }
}

extension RuleDraft {
    /// A command that changes a rule, and how it is answered.
    static func reading(
        _ command: Command, _ words: borrowing CommandArguments, presets: [RetentionPreset]
    ) throws(Refusal) -> (RuleDraft, AppendAnswer) {
        switch command {
        case .retentionSet:
            let set = try RetentionSetCommand(words, presets: presets)
            return (.retention(set.draft), set.isReport ? .retentionReport : .retention)
        case .retentionCancel:
            let rest = try ReasonedCommand("RETENTION.CANCEL", words, from: 2)
            let change = try words.position(1, "position")
            return (.cancel(CancelDraft(change: change, reason: rest.reason)), rest.isReport ? .positionReport : .position)
        case .holdPlace:
            let place = try HoldPlaceCommand(words)
            return (.place(place.hold), place.isReport ? .positionReport : .position)
        case .holdRelease:
            let rest = try ReasonedCommand("HOLD.RELEASE", words, from: 2)
            let draft = ReleaseDraft(hold: try words.name(1, "hold"), reason: rest.reason)
            return (.release(draft), rest.isReport ? .positionReport : .position)
        default:
            let rest = try ReasonedCommand("CLOCK.CONFIRM", words, from: 1)
            return (.confirmClock(reason: rest.reason), rest.isReport ? .positionReport : .position)
        }
    }
}

extension CommandArguments {
    /// `2018-02-03T04:05:06.789Z`, `2018-02-03`, or milliseconds.
    func time(_ index: Int, _ argument: StaticString) throws(Refusal) -> Instant {
        guard let text = text(index), let instant = Instant(text: text), instant.isWritable else {
            throw Refusal(
                .badArgument, "\(argument) must be an RFC 3339 time such as 2018-02-03T04:05:06Z, a date, or milliseconds since 1970")
        }
        return instant
    }
}

import Archive
import Events
import RESP

/// `RETENTION.SET SYSTEM | TENANT t [CONVERSATION c] period REASON text [AT ms] [REPORT]`
struct RetentionSetCommand {
    enum Option: UInt8, OptionWord {
        case reason, at, report

        var word: StaticString {
            switch self {
            case .reason: "REASON"
            case .at: "AT"
            case .report: "REPORT"
            }
        }
    }

    let draft: RetentionDraft
    let isReport: Bool

    init(_ words: borrowing CommandArguments) throws(Refusal) {
        let (scope, next) = try words.scope(from: 1)
        guard next < words.count else { throw Refusal(.badArgument, Command.retentionSet.card.complaint) }
        guard let text = words.text(next), let rule = RetentionChange.Rule(text: text) else {
            throw Refusal(
                .badArgument, "period \(Quoted(words[next])) is none; write 180d, 26w, 6mo, 5y, forever or inherit, up to a thousand years")
        }
        var options = Options<Option>(of: "RETENTION.SET", words, from: next + 1)
        var reason: String?
        var at: Instant?
        var isReport = false
        while let option = try options.next(words) {
            switch option {
            case .reason: reason = try Self.reason(try options.value(of: option, words), words)
            case .at: at = try words.milliseconds(try options.value(of: option, words), "AT")
            case .report: isReport = true
            }
        }
        guard let reason else { throw Refusal(.badArgument, "REASON is missing; say in a few words why the period changes") }
        draft = RetentionDraft(scope: scope, rule: rule, reason: reason, at: at)
        self.isReport = isReport
    }

    private static func reason(_ index: Int, _ words: borrowing CommandArguments) throws(Refusal) -> String {
        let bytes = words[index]
        guard bytes.count <= RetentionChange.reasonBytesMax else {
            throw Refusal(.tooLong, "REASON has \(bytes.count) bytes; at most \(RetentionChange.reasonBytesMax) are allowed")
        }
        guard let text = words.text(index) else { throw Refusal(.badArgument, "REASON is not valid UTF-8") }
        guard text.unicodeScalars.contains(where: { !$0.properties.isWhitespace }) else {
            throw Refusal(.badArgument, "REASON is empty; say in a few words why the period changes")
        }
        guard !text.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) else {
            throw Refusal(.badArgument, "REASON holds a control character; leave them out")
        }
        return text
    }
}

extension CommandArguments {
    /// `SYSTEM`, or `TENANT t` with or without `CONVERSATION c`; and the place behind it.
    func scope(from start: Int) throws(Refusal) -> (scope: Scope, next: Int) {
        if start < count, matches(start, "SYSTEM") { return (.system, start + 1) }
        guard start + 1 < count, matches(start, "TENANT") else {
            throw Refusal(.badArgument, "scope must be SYSTEM, or TENANT with a name, with or without CONVERSATION and a name")
        }
        let tenant: TenantID = try name(start + 1, "tenant")
        guard start + 2 < count, matches(start + 2, "CONVERSATION") else { return (.tenant(tenant), start + 2) }
        guard start + 3 < count else { throw Refusal(.badArgument, "CONVERSATION needs a value behind it") }
        return (.conversation(tenant, try name(start + 3, "conversation")), start + 4)
    }
}

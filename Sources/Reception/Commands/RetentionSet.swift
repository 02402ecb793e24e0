import Archive
import Events
import RESP

/// `RETENTION.SET scope… period | PRESET name [FLOOR] [LOCK] REASON text [AT ms] [REPORT]`, and without the last three
/// `RETENTION.PREVIEW`.
struct RetentionSetCommand {
    enum Option: UInt8, OptionWord {
        case floor, lock, reason, at, report

        var word: StaticString {
            switch self {
            case .floor: "FLOOR"
            case .lock: "LOCK"
            case .reason: "REASON"
            case .at: "AT"
            case .report: "REPORT"
            }
        }
    }

    let draft: RetentionDraft
    let isReport: Bool

    init(_ words: borrowing CommandArguments, presets: [RetentionPreset]) throws(Refusal) {
        let (scope, next) = try words.scope(from: 1)
        let (period, end) = try words.period(from: next, of: .retentionSet, presets)
        var options = Options<Option>(of: "RETENTION.SET", words, from: end)
        var found = (isFloor: false, isLocked: false, isReport: false)
        var reason: String?
        var at: Instant?
        while let option = try options.next(words) {
            switch option {
            case .floor: found.isFloor = true
            case .lock: found.isLocked = true
            case .reason: reason = try words.reason(try options.value(of: option, words))
            case .at: at = try words.milliseconds(try options.value(of: option, words), "AT")
            case .report: found.isReport = true
            }
        }
        guard let reason else { throw Refusal(.badArgument, "REASON is missing; say in a few words why the period changes") }
        let changes = try period.changes(isFloor: found.isFloor, isLocked: found.isLocked)
        draft = RetentionDraft(scope: scope, changes: changes, reason: reason, at: at)
        isReport = found.isReport
    }
}

/// `RETENTION.PREVIEW scope… period | PRESET name [FLOOR]`
extension PreviewQuestion {
    init(_ words: borrowing CommandArguments, presets: [RetentionPreset]) throws(Refusal) {
        let (scope, next) = try words.scope(from: 1)
        let (period, end) = try words.period(from: next, of: .retentionPreview, presets)
        var isFloor = false
        if end < words.count {
            guard words.matches(end, "FLOOR"), end + 1 == words.count else {
                throw Refusal(.badArgument, Command.retentionPreview.card.complaint)
            }
            isFloor = true
        }
        self.init(scope: scope, changes: try period.changes(isFloor: isFloor, isLocked: false))
    }
}

/// A period as it was written: one, or a preset's.
enum PeriodWord {
    case rule(RetentionChange.Rule)
    case preset(RetentionPreset)

    func changes(isFloor: Bool, isLocked: Bool) throws(Refusal) -> [RetentionDraft.Change] {
        switch self {
        case .rule(let rule): return [RetentionDraft.Change(isFloor ? .floor : .policy, rule, isLocked: isLocked)]
        case .preset(let preset):
            if isFloor { throw Refusal(.badArgument, "FLOOR does not go with PRESET, which sets policy and floor both") }
            return preset.changes(isLocked: isLocked)
        }
    }
}

extension CommandArguments {
    /// `180d`, or `PRESET finance`; and the place behind it.
    fileprivate func period(
        from start: Int, of command: Command, _ presets: [RetentionPreset]
    ) throws(Refusal) -> (PeriodWord, next: Int) {
        guard start < count else { throw Refusal(.badArgument, command.card.complaint) }
        if matches(start, "PRESET") {
            guard start + 1 < count, let name = text(start + 1)?.lowercased(), let preset = presets.first(where: { $0.name == name }) else {
                throw Refusal(.badArgument, "PRESET must be one of \(presets.map(\.name).joined(separator: ", "))")
            }
            return (.preset(preset), start + 2)
        }
        guard let text = text(start), let rule = RetentionChange.Rule(text: text) else {
            throw Refusal(
                .badArgument, "period \(Quoted(self[start])) is none; write 180d, 26w, 6mo, 5y, forever or inherit, up to a thousand years")
        }
        return (.rule(rule), start + 1)
    }

    /// Why something is done: a text of one line.
    func reason(_ index: Int) throws(Refusal) -> String {
        try line(index, "REASON", bytesMax: RetentionChange.reasonBytesMax, hint: "say in a few words why")
    }

    /// A text without control characters that is not blank.
    func line(_ index: Int, _ argument: StaticString, bytesMax: Int, hint: StaticString) throws(Refusal) -> String {
        let bytes = self[index]
        guard bytes.count <= bytesMax else {
            throw Refusal(.tooLong, "\(argument) has \(bytes.count) bytes; at most \(bytesMax) are allowed")
        }
        guard let text = text(index) else { throw Refusal(.badArgument, "\(argument) is not valid UTF-8") }
        guard text.unicodeScalars.contains(where: { !$0.properties.isWhitespace }) else {
            throw Refusal(.badArgument, "\(argument) is empty; \(hint)")
        }
        guard !text.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) else {
            throw Refusal(.badArgument, "\(argument) holds a control character; leave them out")
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

import Archive
import Events
import Logging
import RESP

/// What became of a command that was found in the input.
enum Turn {
    /// It is executed, or under way.
    case next
    /// It cannot begin yet; it stays where it is.
    case hold
    /// It needs an empty batch: commit, then try again.
    case commit
}

/// Executes commands. The words are lent for the length of a call.
extension SessionHandler {
    func perform(_ words: borrowing CommandArguments) -> Turn {
        guard let command = Command(word: words[0]) else {
            guard session.mayBegin(.other) else { return .hold }
            writer.refuse(.unknown, "command \(Quoted(words[0])); COMMAND lists what there is")
            return .next
        }
        switch command {
        case .send, .localDelete, .retentionSet, .retentionCancel, .holdPlace, .holdRelease, .clockConfirm: return append(command, words)
        default: break
        }
        guard session.mayBegin(.other) else { return .hold }
        desk.numbers.commands += 1
        guard command.card.words.contains(words.count) else {
            writer.refuse(.badArgument, command.card.complaint)
            return .next
        }
        do throws(Refusal) {
            try begin(command, words)
        } catch {
            writer.refuse(error)
        }
        return .next
    }

    private func begin(_ command: Command, _ words: borrowing CommandArguments) throws(Refusal) {
        switch command {
        case .send, .localDelete, .retentionSet, .retentionCancel, .holdPlace, .holdRelease, .clockConfirm:
            preconditionFailure("appends have their own way, because they need room in a batch")
        case .timeline: try ask(.timeline(timeline(words)))
        case .messageGet: try ask(.message(message(words)))
        case .messageHistory:
            try demand(.auditing, for: "MESSAGE.HISTORY")
            try ask(.history(HistoryCommand(words)))
        case .eventsRead:
            try demand(.auditing, for: "EVENTS.READ")
            try follow(EventsReadCommand(words))
        case .retentionGet: try ask(.retention(RetentionQuestion(words)))
        case .retentionHistory: try ask(.retentionHistory(try words.wholeScope()))
        case .retentionPreview, .retentionPresets, .holdList, .purgePlan, .purgeRun, .purgeStatus, .purgeList, .compact:
            try keep(command, words)
        case .auditCheckpoint, .auditProve, .auditConsistency, .auditKeys: try audit(command, words)
        case .partitions: try ask(.partitions)
        case .stats: try ask(.statistics(desk.numbersNow))
        case .digest:
            // It reads everything, so it is not for everybody.
            try demand(.auditing, for: "DIGEST")
            try ask(.digest)
        case .shutdown:
            try demand(.administering, for: "SHUTDOWN")
            desk.logger.notice("asked to shut down", metadata: metadata)
            desk.onShutdown()
        case .hello: try greet(words)
        case .auth: throw Refusal(.auth, "there are no passwords here; the kernel tells that you are \(principal)")
        case .ping: if words.count == 1 { writer.simple("PONG") } else { writer.bulk(words[1]) }
        case .echo: writer.bulk(words[1])
        case .command: try describeCommands(words)
        case .client: try client(words)
        case .config: try config(words)
        case .info: info()
        case .quit:
            writer.simple("OK")
            session.close()
        case .reset:
            writer.version = .resp2
            clientName = ""
            writer.simple("RESET")
        case .select:
            guard Decimal.read(words[1]) == 0 else { throw Refusal(.badArgument, "there is one database, of number 0") }
            writer.simple("OK")
        }
    }

    func ask(_ inquiry: Inquiry) throws(Refusal) {
        try checkOutput()
        session.ask()
        desk.ask(inquiry, for: self)
    }

    private func follow(_ command: EventsReadCommand) throws(Refusal) {
        try checkOutput()
        session.ask()
        if command.blockMilliseconds > 0 {
            desk.follow(command, for: self)
        } else {
            desk.ask(.events(command.question), for: self)
        }
    }

    func checkOutput() throws(Refusal) {
        if desk.isOutputFull { throw .tooManyUnread }
    }

    private func timeline(_ words: borrowing CommandArguments) throws(Refusal) -> TimelineCommand {
        let command = try TimelineCommand(words)
        if command.reason != nil { try demand(.auditing, for: "TIMELINE with a REASON") }
        return command
    }

    private func message(_ words: borrowing CommandArguments) throws(Refusal) -> MessageCommand {
        let command = try MessageCommand(words)
        if command.reason != nil { try demand(.auditing, for: "MESSAGE.GET with a REASON") }
        // It names holds and their matters, which are not for everybody.
        if command.question.isExplained { try demand(.auditing, for: "EXPLAIN") }
        return command
    }

    func demand(_ right: Rights, for deed: StaticString) throws(Refusal) {
        if rights.contains(right) { return }
        throw Refusal(.denied, "\(deed) is not for \(principal); whom it is for is said by the setting \(right.setting)")
    }
}

/// Appends.
extension SessionHandler {
    private func append(_ command: Command, _ words: borrowing CommandArguments) -> Turn {
        guard session.mayBegin(.append) else { return .hold }
        if command.changesRules, !desk.appender.takesRules {
            session.stall()
            desk.wait(forRules: self)
            return .hold
        }
        switch desk.admission() {
        case .admit: break
        case .commitFirst: return .commit
        case .stall:
            session.stall()
            desk.wait(forRoom: self)
            return .hold
        case .busy:
            refuse(.behind)
            return .next
        }
        desk.numbers.commands += 1
        do throws(Refusal) {
            try admit(command, words)
        } catch {
            refuse(error)
        }
        return .next
    }

    @inline(__always)
    private func admit(_ command: Command, _ words: borrowing CommandArguments) throws(Refusal) {
        guard command.takes(words.count) else { throw Refusal(.badArgument, command.card.complaint) }
        let now = desk.now
        switch command {
        case .send:
            let send = try SendCommand(words)
            if send.draft.at != nil { try demand(.importing, for: "AT") }
            desk.appender.send(send.draft, by: principal, ticket: ticket(send.isReport ? .positionReport : .position), now: now)
        case .localDelete:
            let deletion = try LocalDeleteCommand(words)
            if deletion.draft.at != nil { try demand(.importing, for: "AT") }
            desk.appender.localDelete(
                deletion.draft, by: principal, ticket: ticket(deletion.isReport ? .positionReport : .position), now: now)
        default:
            try demand(.administering, for: command.card.name)
            let (draft, answer) = try RuleDraft.reading(command, words, presets: desk.options.presets)
            if case .retention(let change) = draft, change.at != nil { try demand(.importing, for: "AT") }
            desk.appender.rule(draft, by: principal, ticket: ticket(answer), now: now)
            if case .confirmClock = draft { desk.confirmClock() }
        }
    }

    /// Takes a place in the open batch for one more append.
    private func ticket(_ answer: AppendAnswer) -> Ticket {
        let place: Int
        if let batchPlace {
            place = batchPlace
        } else {
            place = desk.join(self)
            batchPlace = place
        }
        session.admit()
        return Ticket(place: place, answer: answer)
    }

    /// An append that is refused at the door is answered at once, or behind those before it that wait for the disk.
    private func refuse(_ refusal: Refusal) {
        if session.unanswered == 0 {
            writer.refuse(refusal)
        } else {
            desk.appender.refuse(refusal, ticket: ticket(.position))
        }
    }
}

extension Rights {
    /// The setting that lists who has the right.
    fileprivate var setting: StaticString {
        switch self {
        case .importing: "importers"
        case .administering: "administrators"
        default: "auditors"
        }
    }
}

extension CommandArguments {
    /// A scope and nothing behind it.
    fileprivate func wholeScope() throws(Refusal) -> Scope {
        let (scope, next) = try scope(from: 1)
        guard next == count else { throw Refusal(.badArgument, Command.retentionHistory.card.complaint) }
        return scope
    }
}

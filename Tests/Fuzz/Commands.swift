import Archive
import Events
import NIOCore
import RESP

@testable import Reception

/// Commands of clients, read into what they ask for.
///
/// Promises: a refusal is one error of one line; what is asked for can be written into the log, and is read back from there as it was.
enum Commands {
    static func run(_ input: Input) {
        var parser = CommandParser()
        let bytes = input.rest
        while case .command = parser.parse(bytes) {
            parser.lendArguments(of: bytes) { look(at: $0) }
        }
    }

    private static func look(at words: borrowing CommandArguments) {
        guard let command = Command(word: words[0]) else {
            return check(Refusal(.unknown, "command \(Quoted(words[0])); COMMAND lists what there is"))
        }
        promise(command.takes(words.count) == command.card.words.contains(words.count), "\(command) takes other words than its card says")
        guard command.takes(words.count) else { return check(Refusal(.badArgument, command.card.complaint)) }
        do throws(Refusal) {
            try read(command, words)
        } catch {
            check(error)
        }
    }

    private static func read(_ command: Command, _ words: borrowing CommandArguments) throws(Refusal) {
        switch command {
        case .send: check(try SendCommand(words).draft)
        case .localDelete: check(try LocalDeleteCommand(words).draft)
        case .retentionSet, .retentionCancel, .holdPlace, .holdRelease, .clockConfirm:
            check(try RuleDraft.reading(command, words, presets: RetentionPreset.all).0)
        case .timeline: check(try TimelineCommand(words))
        case .messageGet: _ = try MessageCommand(words)
        case .messageHistory: _ = try HistoryCommand(words)
        case .eventsRead: _ = try EventsReadCommand(words)
        case .retentionGet: _ = try RetentionQuestion(words)
        case .retentionHistory: _ = try words.scope(from: 1)
        case .retentionPreview: _ = try PreviewQuestion(words, presets: RetentionPreset.all)
        case .holdList: _ = try HoldListCommand(words)
        case .purgePlan: check(try PurgePlanCommand(words))
        case .purgeRun: _ = try PurgeRunCommand(words)
        case .purgeList: _ = try PurgeListCommand.count(words)
        case .compact: _ = try CompactCommand(words)
        case .auditProve: _ = try ProveCommand(words)
        case .auditConsistency: _ = try ConsistencyCommand(words)
        default: break
        }
    }

    /// A client that can write a line break into an error writes answers of its own.
    private static func check(_ refusal: Refusal) {
        for version in [ProtocolVersion.resp2, .resp3] {
            var writer = ReplyWriter(version: version)
            writer.refuse(refusal)
            var buffer = writer.take()
            var parser = ReplyParser()
            let answer = attempt { try parser.next(from: &buffer) } ?? nil
            guard case .error(refusal.code.rawValue, let sentence)? = answer, buffer.readableBytes == 0 else {
                return promise(false, "\(refusal) is answered as \(String(describing: answer)), and \(buffer.readableBytes) bytes follow")
            }
            promise(!sentence.isEmpty, "\(refusal) says nothing")
        }
    }

    private static func check(_ draft: SendDraft) {
        guard let tenant = attempt({ try TenantID(checking: draft.tenant) }),
            let conversation = attempt({ try ConversationID(checking: draft.conversation) }),
            let sender = attempt({ try UserID(checking: draft.sender) }), let id = attempt({ try MessageID(checking: draft.messageID) })
        else { return }
        guard let type = draft.contentType.isEmpty ? .plainText : ContentType(checking: draft.contentType) else { return }
        let send = Send(
            conversation: conversation, sender: sender, messageID: id, contentType: type, bodyBytes: UInt32(draft.body.count),
            commitment: Commitment([UInt8](repeating: 7, count: Commitment.byteCount)), clientTime: draft.clientTime)
        check(.send(send), of: tenant)
    }

    private static func check(_ draft: LocalDeleteDraft) {
        let extent: LocalDelete.Extent
        switch draft.extent {
        case .messages(let ids): extent = .messages(ids.map { LocalDelete.Target(position: .last, messageID: $0) })
        case .upTo(let position): extent = .upTo(position)
        }
        check(.localDelete(LocalDelete(conversation: draft.conversation, viewer: draft.viewer, extent: extent)), of: draft.tenant)
    }

    private static func check(_ draft: RuleDraft) {
        switch draft {
        case .retention(let draft):
            for change in draft.changes {
                let change = RetentionChange(
                    scope: draft.scope, target: change.target, rule: change.rule, isLocked: change.isLocked,
                    effectiveAt: draft.at ?? .distantPast, reason: draft.reason)
                check(.retentionChange(change), of: draft.scope.tenant)
            }
        case .cancel(let draft):
            check(.retentionCancel(RetentionCancel(scope: .system, change: draft.change, reason: draft.reason)), of: nil)
        case .place(let hold): check(.holdPlace(hold), of: hold.coverage.tenant)
        case .release(let draft):
            check(.holdRelease(HoldRelease(id: draft.hold, coverage: .everything, reason: draft.reason)), of: nil)
        case .confirmClock(let reason): check(.clockConfirm(ClockConfirm(wall: .distantFuture, reason: reason)), of: nil)
        }
    }

    private static func check(_ command: TimelineCommand) {
        let isOfMoment = command.question.asOf != .now
        promise(command.reason != nil || command.question.viewer != nil, "a timeline is a viewer's, or has a reason")
        promise(command.reason == nil || command.question.viewer == nil || isOfMoment, "what a viewer sees now needs no reason")
        promise(command.question.hasPastBodies == (command.reason != nil), "what could be read once is shown without a reason")
        guard let reason = command.reason else { return }
        let access = Access(.timeline, conversation: command.question.conversation, bodies: 1, reason: reason)
        check(.access(access), of: command.question.tenant)
    }

    private static func check(_ command: PurgePlanCommand) {
        let line = certain { PurgeLine(partition: 1, tenant: try TenantID("t"), keys: [1], messages: 1, conversations: 1, bytes: 1) }
        let intent = PurgeIntent(
            coverage: command.coverage, basis: command.basis ?? .expired, horizonPosition: .first, horizonTime: .distantPast, rules: .none,
            held: 0, floored: 0, locked: 0, lines: [line], digest: [UInt8](repeating: 1, count: Purge.digestByteCount))
        check(.purgeIntent(intent), of: command.coverage.tenant)
    }

    private static func check(_ deed: Event.Deed, of tenant: TenantID?) {
        let event = Event(position: .first, at: .distantPast, principal: .user(0), tenant: tenant, deed: deed)
        let read = attempt { try Event(decoding: event.encoded()) }
        promise(read == event, "in the log, \(event) is \(String(describing: read))")
    }
}

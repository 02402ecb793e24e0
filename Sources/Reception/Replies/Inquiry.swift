import Archive
import Events
import NIOCore
import RESP

/// A question to the archive, ready to be carried to a thread that may wait for the disk.
enum Inquiry: Sendable {
    case timeline(TimelineCommand)
    case message(MessageCommand)
    case history(HistoryCommand)
    case events(EventsQuestion)
    case retention(RetentionQuestion)
    case retentionHistory(Scope)
    case partitions
    case statistics(DeskNumbers)
    case digest
    case preview(PreviewQuestion)
    case presets([RetentionPreset])
    case holds(HoldListCommand)
    case purgePlan(PurgePlanCommand)
    case purges(count: Int)
    case upkeep
    case checkpoint
    case proof(ProveCommand)
    case growth(ConsistencyCommand)
    case auditKeys
}

/// What became of an inquiry.
enum Finding: Sendable {
    /// The answer as bytes of the wire.
    case reply(ByteBuffer)
    /// The same, for a reader who must be in the log before it is given out.
    case reading(AccessDraft, ByteBuffer)
    /// There are no events yet; ask again from here.
    case nothingYet(next: Position)
    case failed(ArchiveFailure)
}

extension Inquiry {
    /// Asks, on a thread that may block, and writes the answer down.
    func answer(from archive: Archive, version: ProtocolVersion) -> Finding {
        var writer = ReplyWriter(version: version)
        do throws(ArchiveFailure) {
            if case .history(let command) = self { return try Self.history(command, to: &writer, from: archive) }
            if case .timeline(let command) = self { return try Self.timeline(command, to: &writer, from: archive) }
            if case .message(let command) = self { return try Self.message(command, to: &writer, from: archive) }
            if let next = try write(to: &writer, from: archive) { return .nothingYet(next: next) }
            return .reply(writer.buffer)
        } catch {
            return .failed(error)
        }
    }

    /// Returns where to go on, if there are no events; nothing is written then.
    private func write(to writer: inout ReplyWriter, from archive: Archive) throws(ArchiveFailure) -> Position? {
        switch self {
        case .history, .timeline, .message:
            preconditionFailure("this is no plain reply, because its reader may have to be in the log first")
        case .events(let question):
            return try Self.events(question, to: &writer, from: archive)
        case .retention(let question):
            writer.result(try archive.retention(question)) { writer, found in writer.retention(found, of: question.scope) }
        case .retentionHistory(let scope):
            writer.events(try archive.retentionHistory(scope), bytesMax: .max)
        case .partitions: writer.partitions(try archive.partitions())
        case .statistics(let numbers): writer.statistics(try archive.statistics(), archive.upkeepStatus(), numbers)
        case .digest: writer.result(try archive.digest()) { writer, digest in writer.digest(digest) }
        case .preview(let question): writer.result(try archive.preview(question)) { writer, preview in writer.preview(preview) }
        case .presets(let presets): writer.presets(presets)
        case .holds(let command):
            writer.result(try archive.holds(asOf: command.asOf, withReleased: command.withReleased)) { writer, holds in writer.holds(holds)
            }
        case .purgePlan(let command):
            let basis = command.basis ?? .before(archive.now.advanced(byMilliseconds: 1))
            let plan = try archive.upkeep.plan(coverage: command.coverage, basis: basis)
            writer.plan(plan) { archive.name(ofPartition: $0) }
        case .purges(let count): writer.purges(archive.purges(newest: count))
        case .upkeep: writer.upkeep(archive.upkeepStatus(), now: archive.now)
        case .checkpoint, .proof, .growth, .auditKeys: try writeAudit(to: &writer, from: archive)
        }
        return nil
    }

    private static func timeline(
        _ command: TimelineCommand, to writer: inout ReplyWriter, from archive: Archive
    ) throws(ArchiveFailure) -> Finding {
        let question = command.question
        switch try archive.timeline(question) {
        case .failure(let refusal):
            writer.refuse(refusal)
            return .reply(writer.buffer)
        case .success(let whole):
            let page = whole.cut(to: ReceptionOptions.answerBytesMax, from: question.from)
            writer.page(page)
            let access = command.reason.flatMap { page.access(to: question.conversation, of: question.tenant, reason: $0) }
            return access.map { .reading($0, writer.buffer) } ?? .reply(writer.buffer)
        }
    }

    private static func message(
        _ command: MessageCommand, to writer: inout ReplyWriter, from archive: Archive
    ) throws(ArchiveFailure) -> Finding {
        switch try archive.message(command.question) {
        case .failure(let refusal): writer.refuse(refusal)
        case .success(.none): writer.null()
        case .success(.some(let message)):
            writer.message(message)
            if let reason = command.reason { return .reading(message.access(reason: reason), writer.buffer) }
        }
        return .reply(writer.buffer)
    }

    private static func history(
        _ command: HistoryCommand, to writer: inout ReplyWriter, from archive: Archive
    ) throws(ArchiveFailure) -> Finding {
        guard let history = try archive.history(tenant: command.tenant, id: command.id) else {
            writer.null()
            return .reply(writer.buffer)
        }
        writer.history(history)
        return .reading(history.access(reason: command.reason), writer.buffer)
    }

    private func writeAudit(to writer: inout ReplyWriter, from archive: Archive) throws(ArchiveFailure) {
        switch self {
        case .checkpoint: writer.result(archive.checkpoint()) { writer, checkpoint in writer.checkpoint(checkpoint) }
        case .proof(let command):
            writer.result(try archive.proof(of: command.position, size: command.size)) { writer, proof in writer.proof(proof) }
        case .growth(let command):
            writer.result(try archive.growth(from: command.old, to: command.new)) { writer, proof in writer.growth(proof) }
        default: writer.auditKeys(archive.auditKeys)
        }
    }

    /// An empty page is not yet the end of the log: a tenant may have nothing in a long stretch of it.
    private static func events(
        _ question: EventsQuestion, to writer: inout ReplyWriter, from archive: Archive
    ) throws(ArchiveFailure) -> Position? {
        var question = question
        while true {
            let page = try archive.events(question)
            if !page.events.isEmpty {
                writer.events(page.events, bytesMax: ReceptionOptions.answerBytesMax)
                return nil
            }
            guard page.next > question.from, page.next <= archive.end else { return max(page.next, question.from) }
            question.from = page.next
        }
    }
}

extension ReplyWriter {
    fileprivate mutating func result<Value>(_ result: Result<Value, Refusal>, _ write: (inout ReplyWriter, Value) -> Void) {
        switch result {
        case .success(let value): write(&self, value)
        case .failure(let refusal): refuse(refusal)
        }
    }
}

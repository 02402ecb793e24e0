import Archive
import Events
import NIOCore
import RESP

/// A question to the archive, ready to be carried to a thread that may wait for the disk.
enum Inquiry: Sendable {
    case timeline(TimelineQuestion)
    case message(MessageQuestion)
    case history(TenantID, MessageID)
    case events(EventsQuestion)
    case retention(RetentionQuestion)
    case retentionHistory(Scope)
    case partitions
    case statistics(DeskNumbers)
    case digest
}

/// What became of an inquiry.
enum Finding: Sendable {
    /// The answer as bytes of the wire.
    case reply(ByteBuffer)
    /// There are no events yet; ask again from here.
    case nothingYet(next: Position)
    case failed(ArchiveFailure)
}

extension Inquiry {
    /// Asks, on a thread that may block, and writes the answer down.
    func answer(from archive: Archive, version: ProtocolVersion) -> Finding {
        var writer = ReplyWriter(version: version)
        do throws(ArchiveFailure) {
            if let next = try write(to: &writer, from: archive) { return .nothingYet(next: next) }
            return .reply(writer.buffer)
        } catch {
            return .failed(error)
        }
    }

    /// Returns where to go on, if there are no events; nothing is written then.
    private func write(to writer: inout ReplyWriter, from archive: Archive) throws(ArchiveFailure) -> Position? {
        switch self {
        case .timeline(let question):
            writer.result(try archive.timeline(question)) { writer, page in
                writer.page(page.cut(to: ReceptionOptions.answerBytesMax, from: question.from))
            }
        case .message(let question):
            writer.result(try archive.message(question)) { writer, message in
                if let message { writer.message(message) } else { writer.null() }
            }
        case .history(let tenant, let id):
            if let history = try archive.history(tenant: tenant, id: id) { writer.history(history) } else { writer.null() }
        case .events(let question):
            return try Self.events(question, to: &writer, from: archive)
        case .retention(let question):
            writer.result(try archive.retention(question)) { writer, policy in writer.policy(policy, of: question.scope) }
        case .retentionHistory(let scope):
            writer.events(try archive.retentionHistory(scope), bytesMax: .max)
        case .partitions: writer.partitions(try archive.partitions())
        case .statistics(let numbers): writer.statistics(try archive.statistics(), numbers)
        case .digest: writer.result(try archive.digest()) { writer, digest in writer.digest(digest) }
        }
        return nil
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

import Events
import LMDB
import Ledger
import Projections
import Synchronization

/// The whole log at one moment: the tail first, then whatever the partitions have.
struct LogView {
    let core: Core
    let tail: TailView
    let book: PolicyBook
    let now: Instant

    init(_ core: Core) {
        self.core = core
        // In this order: policies that came in between belong to positions beyond the view's end, and are left out.
        tail = core.tail.view()
        book = core.policies.withLock { $0 }
        // The clock may have been set back; the log's time never is.
        now = max(core.clock(), tail.recorded)
    }

    var store: Store { core.store }

    /// What a question as of a moment may know.
    func horizon(_ asOf: AsOf) throws(ArchiveFailure) -> Result<Horizon, Refusal> {
        switch asOf {
        case .now: return .success(Horizon(position: tail.end, time: now))
        case .time(let time): return .success(Horizon(position: tail.end, time: time))
        case .position(.none): return .success(Horizon(position: .none, time: .distantPast))
        case .position(let position):
            guard let event = try event(at: position) else {
                return .failure(Refusal(.badArgument, "asof \(position) is beyond the log's end \(tail.end)"))
            }
            return .success(Horizon(position: position, time: event.recorded))
        }
    }

    /// Lends an event's trail record and stored body; nil beyond the log's end.
    func withRecord<Result>(
        _ position: Position, _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) -> Result
    ) throws(ArchiveFailure) -> Result? {
        guard position <= tail.end, position >= .first else { return nil }
        if let (batch, index) = tail.find(position) { return batch.withTrailAndBody(at: index, body) }
        return try store.withRecord(position, body)
    }

    func event(at position: Position) throws(ArchiveFailure) -> Event? {
        let decoded = try withRecord(position) { record, _ in
            Result { () throws(TrailFault) in
                let event = try Event(decoding: record)
                guard event.position == position else { throw .malformed("position") }
                return event
            }
        }
        do { return try decoded?.get() } catch { throw .damaged(place: "the record at \(position)", error) }
    }

    /// A message with its body, if there is one at that position.
    func message(at position: Position) throws(ArchiveFailure) -> FoundMessage? {
        let found = try withRecord(position) { record, stored in
            Result { () throws(TrailFault) in try FoundMessage(record, stored) }
        }
        do { return try found?.get() ?? nil } catch { throw .damaged(place: "the record or body at \(position)", error) }
    }
}

/// A `send` with its body, as the log has it: before anybody asked who may see it.
struct FoundMessage {
    let event: Event
    let tenant: TenantID
    let send: Send
    let body: [UInt8]

    /// Nil for an event that is no `send`.
    init?(_ record: UnsafeRawBufferPointer, _ stored: UnsafeRawBufferPointer) throws(TrailFault) {
        event = try Event(decoding: record)
        guard case .send(let send) = event.deed, let tenant = event.tenant else { return nil }
        self.send = send
        self.tenant = tenant
        let opened = send.commitment.bytes.withUnsafeBytes { commitment in
            StoredBody.open(stored, bodyBytes: send.bodyBytes, commitment: commitment)
        }
        guard let opened else { throw .malformed("body, which does not match its commitment") }
        body = opened
    }

    /// The message as somebody may see it. Its body is left out unless `withBody`.
    func seen(as state: MessageState, under period: Period, withBody: Bool) -> Message {
        Message(
            position: event.position, at: event.at, tenant: tenant, conversation: send.conversation, sender: send.sender,
            id: send.messageID, contentType: send.contentType, state: state, body: withBody ? body : nil,
            expires: period.end(from: event.at))
    }
}

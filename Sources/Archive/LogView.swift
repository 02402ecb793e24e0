import Events
import LMDB
import Ledger
import Projections
import Synchronization
import Vault

/// The whole log at one moment: the tail first, then whatever the partitions have.
struct LogView {
    let core: Core
    let tail: TailView
    let rules: RuleBook
    let now: Instant

    init(_ core: Core) {
        self.core = core
        // In this order: rules that came in between belong to positions beyond the view's end, and are left out.
        tail = core.tail.view()
        rules = core.rules.withLock { $0 }
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
            guard position <= tail.end else {
                return .failure(Refusal(.badArgument, "asof \(position) is beyond the log's end \(tail.end)"))
            }
            guard let event = try event(at: position) else {
                return .failure(
                    Refusal(.unknown, "the event at \(position) has left the log, its trail's time being over; ask as of a time"))
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
            Result { () throws(TrailFault) in try FoundMessage(record, stored, core.vault) }
        }
        do { return try found?.get() ?? nil } catch { throw .damaged(place: "the record or body at \(position)", error) }
    }
}

/// A `send` with its body, as the log has it: before anybody asked who may see it.
struct FoundMessage {
    let event: Event
    let tenant: TenantID
    let send: Send
    /// Nil when it is destroyed.
    let body: [UInt8]?
    /// Its sealed bytes are there, and no key for them.
    private(set) var isSealed = false

    /// Nil for an event that is no `send`.
    init?(_ record: UnsafeRawBufferPointer, _ stored: UnsafeRawBufferPointer, _ vault: Vault) throws(TrailFault) {
        event = try Event(decoding: record)
        guard case .send(let send) = event.deed, let tenant = event.tenant else { return nil }
        self.send = send
        self.tenant = tenant
        switch StoredBody.open(stored, of: send, at: event.position, record: record, with: vault) {
        case .body(let bytes): body = bytes
        case .gone(let isStored):
            body = nil
            isSealed = isStored
        case .damaged: throw .malformed("body, which does not match its commitment")
        }
    }

    var scope: Scope { .conversation(tenant, send.conversation) }
}

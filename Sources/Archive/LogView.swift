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
        return try store.withRecord(position, asFarAsItGoes: true, body)
    }

    /// Throws unless the audit tree has a record as it is read. A record with a body needs none of that: it is sealed with it.
    private func vouch(for position: Position) throws(ArchiveFailure) {
        if tail.find(position) == nil { try store.vouch(for: position) }
    }

    func event(at position: Position) throws(ArchiveFailure) -> Event? {
        let decoded = try withRecord(position) { record, stored in
            Result { () throws(TrailFault) in
                let event = try Event(decoding: record)
                guard event.position == position else { throw .malformed("position") }
                return (event: event, isSealed: self.isSealed(event, record, stored))
            }
        }
        guard let decoded else { return nil }
        let isSealed = if case .success(let found) = decoded { found.isSealed } else { false }
        if !isSealed { try vouch(for: position) }
        do { return try decoded.get().event } catch { throw store.damaged("the record at \(position)", of: position, error) }
    }

    /// Whether a record is sealed with its body: to ask the audit tree would be to hash 255 more.
    private func isSealed(_ event: Event, _ record: UnsafeRawBufferPointer, _ stored: UnsafeRawBufferPointer) -> Bool {
        guard case .send(let send) = event.deed else { return false }
        return StoredBody.isWhole(stored, of: send, at: event.position, record: record, with: core.vault)
    }

    /// A message with its body, if there is one at that position.
    func message(at position: Position) throws(ArchiveFailure) -> FoundMessage? {
        try message(of: withRecord(position) { record, stored in FoundMessage.decoded(record, stored, core.vault) }, at: position)
    }

    /// The same for several positions, read together: of those that come first, one more than `bytesMax` of bodies have room for at the most.
    /// One that cannot be read fails all.
    func messages(at positions: [Position], bytesMax: Int) throws(ArchiveFailure) -> [FoundMessage?] {
        var decoded = [Result<FoundMessage?, TrailFault>?](repeating: nil, count: positions.count)
        var folded: [(place: Int, position: Position)] = []
        var (end, bytes) = (positions.count, 0)
        for (place, position) in positions.enumerated() where position <= tail.end && position >= .first {
            if bytes > bytesMax {
                end = place
                break
            }
            guard let (batch, index) = tail.find(position) else {
                folded.append((place, position))
                continue
            }
            batch.withTrailAndBody(at: index) { record, stored in
                decoded[place] = FoundMessage.decoded(record, stored, core.vault)
                bytes += stored.count
            }
        }
        try store.withRecords(folded.map(\.position), asFarAsItGoes: true) { index, record, stored in
            decoded[folded[index].place] = FoundMessage.decoded(record, stored, core.vault)
            bytes += stored.count
            if bytes > bytesMax { end = min(end, folded[index].place + 1) }
            return bytes <= bytesMax
        }
        var found: [FoundMessage?] = []
        found.reserveCapacity(end)
        for (decoded, position) in zip(decoded, positions).prefix(end) { found.append(try message(of: decoded, at: position)) }
        return found
    }

    private func message(of decoded: Result<FoundMessage?, TrailFault>?, at position: Position) throws(ArchiveFailure) -> FoundMessage? {
        let message: FoundMessage?
        do throws(TrailFault) {
            message = try decoded?.get() ?? nil
            // A position that an index led to may be another's, if the index is damaged.
            if let message, message.event.position != position { throw .malformed("position") }
        } catch { throw store.damaged("the record or body at \(position)", of: position, error) }
        if let message, message.body == nil { try vouch(for: position) }
        return message
    }
}

extension Store {
    /// The failure that says of an event which file it is in.
    func damaged(_ what: String, of position: Position, _ fault: TrailFault) -> ArchiveFailure {
        do {
            guard let id = try extent(of: position)?.partition else { return .damaged(place: what, fault) }
            return .damaged(place: "\(shelf.path(of: id)), \(what),", fault)
        } catch { return error }
    }
}

/// A `send` with its body, as the log has it: before anybody asked who may see it.
///
/// Shared and not copied: it has a dozen names and texts, and goes from hand to hand.
final class FoundMessage: Sendable {
    let event: Event
    let tenant: TenantID
    let send: Send
    /// Nil when it is destroyed.
    let body: [UInt8]?
    /// The key of which its sealed bytes are there, and which is not.
    let lostKey: KeyID?

    static func decoded(
        _ record: UnsafeRawBufferPointer, _ stored: UnsafeRawBufferPointer, _ vault: Vault
    ) -> Result<FoundMessage?, TrailFault> {
        Result { () throws(TrailFault) in try FoundMessage(record, stored, vault) }
    }

    /// Nil for an event that is no `send`.
    private init?(_ record: UnsafeRawBufferPointer, _ stored: UnsafeRawBufferPointer, _ vault: Vault) throws(TrailFault) {
        event = try Event(decoding: record)
        guard case .send(let send) = event.deed, let tenant = event.tenant else { return nil }
        self.send = send
        self.tenant = tenant
        switch StoredBody.open(stored, of: send, at: event.position, record: record, with: vault) {
        case .body(let bytes): (body, lostKey) = (bytes, nil)
        case .gone(let isStored): (body, lostKey) = (nil, isStored ? SealedBody.keyID(of: stored) : nil)
        case .damaged: throw .malformed("body, which does not match its commitment")
        }
    }

    var scope: Scope { .conversation(tenant, send.conversation) }
}

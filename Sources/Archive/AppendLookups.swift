import Events
import LMDB
import Ledger
import Projections
import Synchronization
import Vault

/// What the appender asks the log before it decides. Reads only.
extension Appender {
    /// A message that has the same tenant and message id already.
    enum Twin {
        /// It is the same message: conversation, sender and body.
        case same(Position)
        case different(Position)
    }

    /// The message that a `send` repeats, in the partitions of the idempotence window before its time.
    ///
    /// What is in memory is held to the same window, so that the answer does not depend on when the daemon was started.
    func twin(of draft: SendDraft, _ message: Fingerprint, at: Instant) throws(ArchiveFailure) -> Twin? {
        let newest = core.store.partition(of: at).number
        let start = at.advanced(byMilliseconds: -core.options.idempotenceMilliseconds)
        let window = min(core.store.partition(of: start).number, newest - 1)...newest
        var candidates: [Position] = []
        var isStranger = true
        // The filters know of what is not folded as well, and say of nearly every id that nobody has it.
        for number in window.reversed() {
            let id = PartitionID(number)
            guard filters.mayContain(message.rawValue, in: number, isThere: { core.store.shelf.contains(id) }) else { continue }
            if isStranger { recentIDs.forEach(message.rawValue) { candidates.append($0) } }
            isStranger = false
            candidates += try core.store.positions(of: message, in: id)
        }
        if isStranger { return nil }
        // An import may have brought two of one id, days apart: the same one counts, wherever it is.
        var different: Twin?
        for position in candidates {
            switch try compare(draft, with: position, in: window) {
            case .same(let position): return .same(position)
            case .different(let position): different = different ?? .different(position)
            case nil: break
            }
        }
        return different
    }

    private func compare(
        _ draft: SendDraft, with position: Position, in window: ClosedRange<Int32>
    ) throws(ArchiveFailure) -> Twin? {
        let compared = try withRecord(position) { record, stored -> Twin? in
            guard let (twin, at) = draft.comparison(with: record, stored, position, core.vault) else { return nil }
            return window.contains(core.store.partition(of: at).number) ? twin : nil
        }
        return compared ?? nil
    }

    /// The position of the last event that names a conversation, also of one that is not committed yet.
    func lastEvent(of conversation: ConversationID, in tenant: TenantID) throws(ArchiveFailure) -> Position? {
        let fingerprint = core.store.fingerprints.of(conversation, in: tenant).rawValue
        let view = core.tail.view()
        if let tip = tips.last(of: fingerprint, view, batch), tip >= view.first {
            if try names(conversation, of: tenant, at: tip) { return tip }
            // Another conversation of the same fingerprint: hardly ever, so it may take its time.
            var position = Position(batch.next.rawValue - 1)
            while position >= view.first {
                if try names(conversation, of: tenant, at: position) { return position }
                position = Position(position.rawValue - 1)
            }
        }
        do {
            return try core.store.state.environment.read { reader in
                try core.store.state.conversations.summary(tenant, conversation, reader)?.last
            }
        } catch { throw ArchiveFailure(error) }
    }

    private func names(_ conversation: ConversationID, of tenant: TenantID, at position: Position) throws(ArchiveFailure) -> Bool {
        guard let event = try event(at: position) else { return false }
        return event.tenant == tenant && event.conversation == conversation
    }

    /// Where a conversation has messages of some ids. Of several of one id it is the latest by (at, position), as for readers.
    ///
    /// All ids are looked for together: each partition of the conversation is opened once.
    func find(_ ids: [MessageID], in conversation: ConversationID, of tenant: TenantID) throws(ArchiveFailure) -> [MessageID: Position] {
        var found: [MessageID: Cursor] = [:]
        for id in ids {
            var candidates: [Position] = []
            recentIDs.forEach(core.store.fingerprints.of(id, in: tenant).rawValue) { candidates.append($0) }
            for position in candidates { try take(position, id, conversation, tenant, &found) }
        }
        let partitions: [Int32]
        do {
            partitions = try core.store.state.environment.read { reader in
                try core.store.state.conversations.partitions(tenant, conversation, reader)
            }
        } catch { throw ArchiveFailure(error) }
        let leaving = core.removing.withLock { $0 }
        for partition in partitions.reversed().map({ PartitionID($0) }) where partition != leaving {
            // What was found in a later partition is later than anything in this one.
            let open = ids.filter { id in found[id].map { core.store.partition(of: $0.at) <= partition } ?? true }
            if open.isEmpty { break }
            let possible = try core.store.mayContain(open, of: tenant, in: partition)
            if possible.isEmpty { continue }
            let fingerprints = possible.map { core.store.fingerprints.of($0, in: tenant) }
            for (id, positions) in zip(possible, try core.store.positions(of: fingerprints, in: partition)) {
                for position in positions { try take(position, id, conversation, tenant, &found) }
            }
        }
        return found.mapValues(\.position)
    }

    /// Takes a candidate if it is the message, and later than what was found before.
    private func take(
        _ position: Position, _ id: MessageID, _ conversation: ConversationID, _ tenant: TenantID,
        _ found: inout [MessageID: Cursor]
    ) throws(ArchiveFailure) {
        guard let event = try event(at: position), event.isMessage(id, in: conversation, of: tenant) else { return }
        // Nobody hides what leaves at this moment: the state forgets it.
        if isLeaving(event.at) { return }
        let place = Cursor(at: event.at, position: position)
        if found[id].map({ $0 < place }) ?? true { found[id] = place }
    }

    private func event(at position: Position) throws(ArchiveFailure) -> Event? {
        let event = try withRecord(position) { record, _ in Result { () throws(TrailFault) in try Event(decoding: record) } }
        do { return try event?.get() } catch { throw .damaged(place: "the record at \(position)", error) }
    }

    /// Lends an event's record and stored body wherever it is: in the open batch, in the tail, or in its partition.
    private func withRecord<Result>(
        _ position: Position, _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) -> Result
    ) throws(ArchiveFailure) -> Result? {
        if position >= batch.first {
            guard position < batch.next else { return nil }
            return batch.withTrailAndBody(at: Int(position.rawValue - batch.first.rawValue), body)
        }
        if let (unfolded, index) = core.tail.view().find(position) { return unfolded.withTrailAndBody(at: index, body) }
        return try core.store.withRecord(position, body)
    }
}

extension SendDraft {
    /// Nil if the record is of another tenant or message id.
    fileprivate func comparison(
        with record: UnsafeRawBufferPointer, _ stored: UnsafeRawBufferPointer, _ position: Position, _ vault: Vault
    ) -> (Appender.Twin, at: Instant)? {
        let fields: TrailFields
        let send: SendFields
        do {
            fields = try TrailFields(parsing: record)
            guard fields.kind == .send else { return nil }
            send = try SendFields(of: fields, in: record)
        } catch { return nil }
        guard fields.tenant.bytes(in: record).elementsEqual(tenant), send.messageID.bytes(in: record).elementsEqual(messageID)
        else { return nil }
        let isSame =
            send.conversation.bytes(in: record).elementsEqual(conversation) && send.sender.bytes(in: record).elementsEqual(sender)
            && StoredBody.isSame(stored, as: body, bodyBytes: send.bodyBytes, at: position, record: record, with: vault)
        return (isSame ? .same(position) : .different(position), fields.at)
    }
}

import Events
import LMDB
import Ledger
import Projections

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
        recentIDs.forEach(message.rawValue) { candidates.append($0) }
        for position in candidates {
            if let twin = try compare(draft, with: position, in: window) { return twin }
        }
        for number in window.reversed() where filters.mayContain(message.rawValue, in: number) {
            for position in try core.store.positions(of: message, in: PartitionID(number)) {
                if let twin = try compare(draft, with: position, in: window) { return twin }
            }
        }
        return nil
    }

    private func compare(
        _ draft: SendDraft, with position: Position, in window: ClosedRange<Int32>
    ) throws(ArchiveFailure) -> Twin? {
        let compared = try withRecord(position) { record, stored -> Twin? in
            guard let (twin, at) = draft.comparison(with: record, stored, position) else { return nil }
            return window.contains(core.store.partition(of: at).number) ? twin : nil
        }
        return compared ?? nil
    }

    /// The position of the last event that names a conversation, also of one that is not committed yet.
    func lastEvent(of conversation: ConversationID, in tenant: TenantID) throws(ArchiveFailure) -> Position? {
        let fingerprint = core.store.fingerprints.of(conversation, in: tenant).rawValue
        for index in batch.conversations.indices.reversed() where batch.conversations[index] == fingerprint {
            let event = batch.withTrailAndBody(at: index) { record, _ in Event.own(record) }
            if event.tenant == tenant, event.conversation == conversation { return event.position }
        }
        for unfolded in core.tail.view().batches.reversed() {
            for index in unfolded.conversations.indices.reversed() where unfolded.conversations[index] == fingerprint {
                let event = unfolded.withTrail(at: index) { Event.own($0) }
                if event.tenant == tenant, event.conversation == conversation { return event.position }
            }
        }
        do {
            return try core.store.state.environment.read { reader in
                try core.store.state.conversations.summary(tenant, conversation, reader)?.last
            }
        } catch { throw ArchiveFailure(error) }
    }

    /// Where a conversation has a message of an id; the newest, if there are several.
    func find(_ id: MessageID, in conversation: ConversationID, of tenant: TenantID) throws(ArchiveFailure) -> Position? {
        let fingerprint = core.store.fingerprints.of(id, in: tenant)
        var candidates: [Position] = []
        recentIDs.forEach(fingerprint.rawValue) { candidates.append($0) }
        for position in candidates.sorted(by: >) where try isMessage(position, id, conversation, tenant) { return position }
        let partitions: [Int32]
        do {
            partitions = try core.store.state.environment.read { reader in
                try core.store.state.conversations.partitions(tenant, conversation, reader)
            }
        } catch { throw ArchiveFailure(error) }
        for number in partitions.reversed() {
            for position in try core.store.positions(of: fingerprint, in: PartitionID(number)).reversed()
            where try isMessage(position, id, conversation, tenant) {
                return position
            }
        }
        return nil
    }

    private func isMessage(
        _ position: Position, _ id: MessageID, _ conversation: ConversationID, _ tenant: TenantID
    ) throws(ArchiveFailure) -> Bool {
        let event = try withRecord(position) { record, _ in Result { () throws(TrailFault) in try Event(decoding: record) } }
        guard let event else { return false }
        do {
            guard case .send(let send) = try event.get().deed else { return false }
            return try event.get().tenant == tenant && send.conversation == conversation && send.messageID == id
        } catch { throw ArchiveFailure(error) }
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

extension Event {
    /// Decodes a record that this process has written or verified itself.
    fileprivate static func own(_ record: UnsafeRawBufferPointer) -> Event {
        do { return try Event(decoding: record) } catch {
            preconditionFailure("a record in memory decodes because it was encoded, or decoded before, by this program: \(error)")
        }
    }
}

extension SendDraft {
    /// Nil if the record is of another tenant or message id.
    fileprivate func comparison(
        with record: UnsafeRawBufferPointer, _ stored: UnsafeRawBufferPointer, _ position: Position
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
            && StoredBody.isSame(stored, as: body)
        return (isSame ? .same(position) : .different(position), fields.at)
    }
}

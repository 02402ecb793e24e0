package import Events
import Ledger
import Projections

extension Appender {
    /// Takes that somebody is about to be shown something. What became of it is said by the commit: only what is on disk may be shown.
    package func access(_ draft: AccessDraft, by principal: Principal, ticket: Ticket, now: Instant) {
        let recorded = max(now, lastRecorded)
        let verdict: Verdict
        // Not refused for want of room: reads go on, and a reading takes little of the reserve.
        if let refusal = (isWritable ? nil : core.readOnly) ?? DraftCheck.fault(of: draft.access.reason) {
            verdict = .refused(refusal)
        } else {
            let position = append(.access(draft.access), tenant: draft.tenant, at: recorded, by: principal)
            verdict = .appended(position, effectiveAt: recorded)
        }
        conclude(ticket, verdict, recorded)
    }
}

extension MessageHistory {
    /// What the log must say before this is shown to anybody.
    ///
    /// Made from what was found, so that it counts just what will be shown. When a purge ends in between, its receipt may stand before
    /// the reading of a body that it destroyed.
    package func access(reason: String) -> AccessDraft {
        let access = Access(
            .messageHistory, conversation: message.conversation, messageID: message.id, range: message.position...message.position,
            bodies: message.body == nil ? 0 : 1, reason: reason)
        return AccessDraft(tenant: message.tenant, access: access)
    }
}

extension Message {
    /// What the log must say before an auditor is shown a message as somebody saw it once.
    package func access(reason: String) -> AccessDraft {
        let access = Access(
            .message, conversation: conversation, messageID: id, range: position...position, bodies: body == nil ? 0 : 1, reason: reason)
        return AccessDraft(tenant: tenant, access: access)
    }
}

extension TimelinePage {
    /// What the log must say before a page is shown to an auditor: one event for all of it. Nil where nothing is shown.
    package func access(to conversation: ConversationID, of tenant: TenantID, reason: String) -> AccessDraft? {
        guard let first = messages.map(\.position).min(), let last = messages.map(\.position).max() else { return nil }
        let bodies = messages.filter { $0.body != nil }.count
        let access = Access(.timeline, conversation: conversation, range: first...last, bodies: UInt64(bodies), reason: reason)
        return AccessDraft(tenant: tenant, access: access)
    }
}

extension LogView {
    /// Who was shown a message, or a page of a timeline that goes from before it to behind it, the first ones first.
    func readings(of message: FoundMessage, atMost count: Int) throws(ArchiveFailure) -> [Event] {
        let fingerprints = store.fingerprints
        var positions = try readings(under: fingerprints.ofReadings(of: message.send.messageID, in: message.tenant), of: message)
        try positions.formUnion(readings(under: fingerprints.ofPages(of: message.send.conversation, in: message.tenant), of: message))
        var readings: [Event] = []
        for position in positions.sorted() where readings.count < count {
            if let event = try event(at: position), event.isReading(of: message) { readings.append(event) }
        }
        return readings
    }

    private func readings(under fingerprint: Fingerprint, of message: FoundMessage) throws(ArchiveFailure) -> Set<Position> {
        // Nobody reads before it is there, and the server's time never falls: earlier partitions have none.
        let first = store.partition(of: message.event.recorded)
        var positions: Set<Position> = []
        tail.forEach(message: fingerprint.rawValue) { batch, index in positions.insert(batch.position(at: index)) }
        try store.forEachPartition(of: fingerprint) { (partition) throws(ArchiveFailure) in
            if partition >= first { positions.formUnion(try store.positions(of: fingerprint, in: partition)) }
            return partition > first
        }
        return positions
    }
}

extension Event {
    /// A fingerprint may stand for several ids, and an id for two messages that lie far apart.
    fileprivate func isReading(of message: FoundMessage) -> Bool {
        guard case .access(let access) = deed, tenant == message.tenant else { return false }
        let isOfIt = access.messageID.map { $0 == message.send.messageID } ?? (access.conversation == message.send.conversation)
        return isOfIt && access.range?.contains(message.event.position) ?? true
    }
}

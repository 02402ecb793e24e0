import Events
import LMDB
import Projections

extension Appender {
    /// What becomes of a local delete.
    func ruling(on draft: LocalDeleteDraft, by principal: Principal, recorded: Instant) throws(ArchiveFailure) -> Verdict {
        switch draft.extent {
        case .messages(let ids): try rulingOnMessages(ids, draft, by: principal, recorded: recorded)
        case .upTo(let position): try rulingOnClear(position, draft, by: principal, recorded: recorded)
        }
    }

    private func rulingOnMessages(
        _ ids: [MessageID], _ draft: LocalDeleteDraft, by principal: Principal, recorded: Instant
    ) throws(ArchiveFailure) -> Verdict {
        guard !ids.isEmpty, ids.count <= LocalDelete.targetsMax else {
            return .refused(Refusal(.badArgument, "id must name 1 to \(LocalDelete.targetsMax) messages"))
        }
        let found = try find(ids, in: draft.conversation, of: draft.tenant)
        var fresh: [LocalDelete.Target] = []
        var earlier: Position?
        for id in ids {
            guard let position = found[id] else {
                return .refused(Refusal(.unknown, "message '\(id)' is not in this conversation; nothing was deleted"))
            }
            if let cause = try hide(of: position, by: draft.viewer) {
                earlier = min(earlier ?? cause, cause)
            } else if !fresh.contains(where: { $0.position == position }) {
                fresh.append(LocalDelete.Target(position: position, messageID: id))
            }
        }
        if fresh.isEmpty, let earlier { return .present(earlier, effectiveAt: recorded) }
        return write(.messages(fresh), draft, by: principal, recorded: recorded)
    }

    private func hide(of message: Position, by viewer: UserID) throws(ArchiveFailure) -> Position? {
        if let recent = recentDeletes.hide(of: message, by: viewer) { return recent }
        do {
            return try core.store.state.environment.read { reader in
                try core.store.state.deletes.hide(of: message, by: viewer, reader)?.position
            }
        } catch { throw ArchiveFailure(error) }
    }

    private func rulingOnClear(
        _ upTo: Position, _ draft: LocalDeleteDraft, by principal: Principal, recorded: Instant
    ) throws(ArchiveFailure) -> Verdict {
        if let refusal = LocalDelete.refusal(ofClearing: upTo, before: batch.next) { return .refused(refusal) }
        guard try lastEvent(of: draft.conversation, in: draft.tenant) != nil else {
            return .refused(Refusal(.unknown, "conversation '\(draft.conversation)' has no events, so there is nothing to clear"))
        }
        if let earlier = try clear(asFarAs: upTo, draft) { return .present(earlier, effectiveAt: recorded) }
        return write(.upTo(upTo), draft, by: principal, recorded: recorded)
    }

    /// The first event by which the viewer cleared as far or further.
    private func clear(asFarAs upTo: Position, _ draft: LocalDeleteDraft) throws(ArchiveFailure) -> Position? {
        let deletes = core.store.state.deletes
        var earliest: Position?
        do {
            // Each clear goes further than those before it: so the walk back ends where they become too short.
            try core.store.state.environment.read { reader in
                _ = try deletes.lastClear(draft.tenant, draft.conversation, by: draft.viewer, reader) { clear in
                    if clear.upTo >= upTo { earliest = clear.cause.position }
                    return clear.upTo < upTo
                }
            }
        } catch { throw ArchiveFailure(error) }
        let recent = recentDeletes.clears(draft.tenant, draft.conversation, by: draft.viewer).first { $0.upTo >= upTo }
        return earliest ?? recent?.cause.position
    }

    private func write(
        _ extent: LocalDelete.Extent, _ draft: LocalDeleteDraft, by principal: Principal, recorded: Instant
    ) -> Verdict {
        let deletion = LocalDelete(conversation: draft.conversation, viewer: draft.viewer, extent: extent)
        let event = Event(
            position: batch.next, at: draft.at ?? recorded, imported: draft.at == nil ? nil : recorded, principal: principal,
            tenant: draft.tenant, deed: .localDelete(deletion))
        append(event)
        recentDeletes.note(deletion, tenant: draft.tenant, cause: .init(position: event.position, at: event.at))
        return .appended(event.position, effectiveAt: event.at)
    }
}

/// What a verification asks as well of the deletes that it reads.
extension LocalDelete {
    /// - Parameter position: the delete's own.
    static func refusal(ofClearing upTo: Position, before position: Position) -> Refusal? {
        if upTo >= .first, upTo < position { return nil }
        return Refusal(.badArgument, "upto \(upTo) is not a position of the log, which ends at \(Position(position.rawValue - 1))")
    }
}

extension Event {
    /// Whether it is the message that a delete names.
    func isMessage(_ id: MessageID, in conversation: ConversationID, of tenant: TenantID) -> Bool {
        guard case .send(let send) = deed else { return false }
        return self.tenant == tenant && send.conversation == conversation && send.messageID == id
    }
}

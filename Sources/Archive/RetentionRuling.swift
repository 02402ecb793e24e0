import Events
import Projections

extension Appender {
    /// What becomes of a retention change. Pure but for the batch: all policies are in memory.
    func ruling(on draft: RetentionDraft, by principal: Principal, recorded: Instant) -> Verdict {
        let at = draft.at ?? recorded
        let change = RetentionChange(scope: draft.scope, rule: draft.rule, effectiveAt: at, reason: draft.reason)
        if draft.at != nil, let twin = book.twin(of: change, at: at) {
            return .present(twin.position, effectiveAt: twin.effectiveAt)
        }
        if draft.scope == .system, draft.rule == .inherit {
            return .refused(
                Refusal(.badArgument, "period of the system cannot be inherited, since nothing is wider; give one, such as 180d"))
        }
        let event = Event(
            position: batch.next, at: at, imported: draft.at == nil ? nil : recorded, principal: principal,
            tenant: draft.scope.tenant, deed: .retentionChange(change))
        let conversation = draft.scope.conversation.flatMap { name in
            draft.scope.tenant.map { core.store.fingerprints.of(name, in: $0).rawValue }
        }
        append(event, conversation: conversation ?? 0)
        book.record(change, position: event.position, at: at)
        return .appended(event.position, effectiveAt: at)
    }
}

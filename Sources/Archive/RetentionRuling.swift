import Events
import Projections

extension Appender {
    /// What becomes of a rule's change. Pure but for the batch: all rules are in memory.
    func ruling(on draft: RuleDraft, by principal: Principal, recorded: Instant) -> Verdict {
        switch draft {
        case .retention(let draft): isLeaving(draft.at) ? .refused(.leaving) : ruling(on: draft, by: principal, recorded: recorded)
        case .cancel(let draft): ruling(on: draft, by: principal, recorded: recorded)
        case .place(let hold): ruling(on: hold, by: principal, recorded: recorded)
        case .release(let draft): ruling(on: draft, by: principal, recorded: recorded)
        case .confirmClock(let reason):
            .appended(
                append(.clockConfirm(ClockConfirm(wall: recorded, reason: reason)), tenant: nil, at: recorded, by: principal),
                effectiveAt: recorded)
        }
    }

    private func ruling(on draft: RetentionDraft, by principal: Principal, recorded: Instant) -> Verdict {
        let at = draft.at ?? recorded
        // Before it is judged: what was taken once is there, whatever has been decided since.
        if draft.at != nil {
            let twins = draft.changes.compactMap {
                rules.policies.twin(of: $0.rule, $0.target, isLocked: $0.isLocked, for: draft.scope, at: at)
            }
            if let last = twins.last, twins.count == draft.changes.count { return .present(last.position, effectiveAt: last.effectiveAt) }
        }
        var decided: [RetentionChange] = []
        for change in draft.changes {
            let decision = RetentionDecision(
                scope: draft.scope, change: change, reason: draft.reason, at: at, recorded: recorded,
                coolOffMilliseconds: core.options.coolOffMilliseconds)
            switch decision.make(under: rules.policies) {
            case .success(let change): decided.append(change)
            case .failure(let refusal): return .refused(refusal)
            }
        }
        var last = (position: Position.none, effectiveAt: at)
        for change in decided {
            last.position = append(
                .retentionChange(change), tenant: draft.scope.tenant, at: at, imported: draft.at == nil ? nil : recorded, by: principal)
            last.effectiveAt = max(last.effectiveAt, change.effectiveAt)
        }
        return .appended(last.position, effectiveAt: last.effectiveAt)
    }

    private func ruling(on draft: CancelDraft, by principal: Principal, recorded: Instant) -> Verdict {
        guard let (scope, entry) = rules.policies.entry(at: draft.change) else {
            return .refused(
                Refusal(.unknown, "\(draft.change) is no retention change; RETENTION.GET of its scope names those that are pending"))
        }
        if let cancelled = entry.cancelled { return .present(cancelled.position, effectiveAt: recorded) }
        if entry.effectiveAt <= recorded {
            return .refused(
                Refusal(.conflict, "the change at \(draft.change) took effect at \(entry.effectiveAt); set another period instead"))
        }
        let cancel = RetentionCancel(scope: scope, change: draft.change, reason: draft.reason)
        return .appended(append(.retentionCancel(cancel), tenant: scope.tenant, at: recorded, by: principal), effectiveAt: recorded)
    }

    private func ruling(on hold: HoldPlace, by principal: Principal, recorded: Instant) -> Verdict {
        if let known = rules.holds.entry(hold.id) {
            if known.released == nil, known.hold.coverage == hold.coverage, known.hold.matter == hold.matter {
                return .present(known.placed.position, effectiveAt: known.placed.at)
            }
            let what = known.released == nil ? "stands already for something else" : "was released"
            return .refused(Refusal(.conflict, "hold '\(hold.id)' \(what); give the new one another id"))
        }
        let position = append(.holdPlace(hold), tenant: hold.coverage.tenant, at: recorded, by: principal)
        return .appended(position, effectiveAt: recorded)
    }

    private func ruling(on draft: ReleaseDraft, by principal: Principal, recorded: Instant) -> Verdict {
        guard let known = rules.holds.entry(draft.hold) else {
            return .refused(Refusal(.unknown, "there is no hold '\(draft.hold)'; HOLD.LIST names those that there are"))
        }
        if let released = known.released { return .present(released.position, effectiveAt: released.at) }
        let release = HoldRelease(id: draft.hold, coverage: known.hold.coverage, reason: draft.reason)
        let position = append(.holdRelease(release), tenant: release.coverage.tenant, at: recorded, by: principal)
        return .appended(position, effectiveAt: recorded)
    }
}

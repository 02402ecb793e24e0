import Events
import Projections

extension Appender {
    /// What becomes of a rule's change. Pure but for the batch: all rules are in memory.
    func ruling(on draft: RuleDraft, by principal: Principal, recorded: Instant) -> Verdict {
        let decision = RuleDecision(rules: rules, recorded: recorded)
        let outcome: RuleDecision.Outcome
        switch draft {
        case .retention(let draft):
            return isLeaving(draft.at) ? .refused(.leaving) : ruling(on: draft, by: principal, recorded: recorded)
        case .cancel(let draft): outcome = decision.outcome(of: draft)
        case .place(let hold): outcome = decision.outcome(of: hold)
        case .release(let draft): outcome = decision.outcome(of: draft)
        case .confirmClock(let reason): outcome = decision.outcome(ofConfirmation: reason)
        }
        return carryOut(outcome, by: principal, recorded: recorded)
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

    /// Writes what was decided.
    func carryOut(_ outcome: RuleDecision.Outcome, by principal: Principal, recorded: Instant) -> Verdict {
        switch outcome {
        case .taken(let deed, let tenant): .appended(append(deed, tenant: tenant, at: recorded, by: principal), effectiveAt: recorded)
        case .present(let position, let effectiveAt): .present(position, effectiveAt: effectiveAt)
        case .refused(let refusal): .refused(refusal)
        }
    }
}

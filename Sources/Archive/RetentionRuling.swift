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
        if draft.at != nil {
            let twins = decided.compactMap { rules.policies.twin(of: $0, at: at) }
            if let last = twins.last, twins.count == decided.count { return .present(last.position, effectiveAt: last.effectiveAt) }
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

/// Whether a retention change may be made, and when it takes effect: pure.
struct RetentionDecision {
    var scope: Scope
    var change: RetentionDraft.Change
    var reason: String
    var at: Instant
    /// The server's time.
    var recorded: Instant
    var coolOffMilliseconds: Int64

    func make(under policies: PolicyBook) -> Result<RetentionChange, Refusal> {
        if scope == .system, change.rule == .inherit, change.target == .policy {
            return .failure(
                Refusal(.badArgument, "period of the system cannot be inherited, since nothing is wider; give one, such as 180d"))
        }
        let lock = policies.lock(of: scope, target: change.target, within: now)
        if let refusal = refusal(because: lock, of: scope) ?? refusalOfWider(under: policies) { return .failure(refusal) }
        // Also an imported one is counted from when the server heard of it: nobody can have cancelled it before.
        let coolsOff = recorded.advanced(byMilliseconds: coolOffMilliseconds)
        let effectiveAt = shortens(under: policies) ? max(at, coolsOff) : at
        return .success(
            RetentionChange(
                scope: scope, target: change.target, rule: change.rule,
                // What is locked once stays locked, however much longer it becomes.
                isLocked: change.isLocked || lock != nil, effectiveAt: effectiveAt, reason: reason))
    }

    private var now: Horizon { Horizon(position: .last, time: recorded) }

    /// Whether anything may expire, or be destroyed, earlier than without the change.
    func shortens(under policies: PolicyBook) -> Bool {
        switch change.target {
        case .policy:
            let before = policies.inForce(for: scope, within: now).period
            return !after(under: policies).isNeverShorter(than: before)
        case .floor:
            guard case .keep(let before)? = policies.rule(of: scope, target: .floor, within: now)?.rule else { return false }
            guard case .keep(let after) = change.rule else { return true }
            return !after.isNeverShorter(than: before)
        }
    }

    /// The period that counts for the scope with the change.
    private func after(under policies: PolicyBook) -> Period {
        if case .keep(let period) = change.rule { return period }
        guard let wider = scope.widening.dropFirst().first else { return .systemDefault }
        return policies.inForce(for: wider, within: now).period
    }

    private func refusal(because lock: PolicyBook.Entry?, of scope: Scope) -> Refusal? {
        guard let lock, case .keep(let least) = lock.rule else { return nil }
        if case .keep(let period) = change.rule, period.isNeverShorter(than: least) { return nil }
        return Refusal(
            .locked, "the \(change.target.word) of \(scope) is locked at \(least) since \(lock.position); only a longer one can be set")
    }

    /// A narrower policy that is shorter than a locked wider one would shorten it for those whom it covers.
    private func refusalOfWider(under policies: PolicyBook) -> Refusal? {
        guard change.target == .policy, case .keep = change.rule else { return nil }
        for wider in scope.widening.dropFirst() {
            if let refusal = refusal(because: policies.lock(of: wider, target: .policy, within: now), of: wider) { return refusal }
        }
        return nil
    }
}

import Events
import Projections

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
        let lock = policies.lock(of: scope, target: change.target, within: Horizon(position: .last, time: recorded))
        if let refusal = refusal(because: lock, of: scope) ?? refusalOfWider(under: policies) { return .failure(refusal) }
        // What is locked once stays locked, however much longer it becomes.
        let isLocked = change.isLocked || lock != nil
        switch outlook(under: policies, isLocked: isLocked).effect {
        case .takes(let effectiveAt):
            if let refusal = refusal(ofTakingThePlaceOf: policies, from: effectiveAt) { return .failure(refusal) }
            return .success(
                RetentionChange(
                    scope: scope, target: change.target, rule: change.rule, isLocked: isLocked, effectiveAt: effectiveAt, reason: reason))
        case .undone(let pending): return .failure(refusal(becauseOf: pending))
        case .breaksLock:
            return .failure(
                Refusal(
                    .locked,
                    "the \(change.target.word) of \(scope) is locked, and as a decision of \(at) this would let a shorter one count in the lock's place; set it without AT"
                ))
        }
    }

    /// Whether it has to wait, since at once it would let something end, or be destroyed, earlier than without it.
    func shortens(under policies: PolicyBook) -> Bool { outlook(under: policies, isLocked: change.isLocked).shortensAtOnce }

    private func outlook(under policies: PolicyBook, isLocked: Bool) -> RetentionOutlook {
        // Behind all others, as the event will be.
        let entry = PolicyBook.Entry(
            position: .last, at: at, effectiveAt: at, target: change.target, rule: change.rule, isLocked: isLocked)
        return RetentionOutlook(
            policies.course(of: change.target, for: scope), entry, now: recorded,
            coolsOff: recorded.advanced(byMilliseconds: coolOffMilliseconds))
    }

    /// What is pending and would never take effect may be what a narrower change waits for.
    private func refusal(ofTakingThePlaceOf policies: PolicyBook, from effectiveAt: Instant) -> Refusal? {
        let now = Horizon(position: .last, time: recorded)
        for pending in policies.pending(of: scope, within: now) where pending.target == change.target {
            guard pending.at <= at, effectiveAt <= pending.effectiveAt else { continue }
            if let follower = policies.follower(of: pending, in: scope, within: now) {
                return .leavesBehind(follower.entry, of: follower.scope)
            }
        }
        return nil
    }

    private func refusal(becauseOf pending: PolicyBook.Entry) -> Refusal {
        let number = pending.position.rawValue
        return Refusal(
            .conflict,
            "the change at \(pending.position) is pending until \(pending.effectiveAt), and would then undo this lock; cancel it first (RETENTION.CANCEL \(number))"
        )
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
        let now = Horizon(position: .last, time: recorded)
        for wider in scope.widening.dropFirst() {
            if let refusal = refusal(because: policies.lock(of: wider, target: .policy, within: now), of: wider) { return refusal }
        }
        return nil
    }
}

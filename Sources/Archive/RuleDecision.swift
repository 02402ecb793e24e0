import Events
import Projections

/// What becomes of a change of holds, of what is taken back, and of the steps of a purge, under the rules that there are: pure.
///
/// The appender asks before it writes, and a verification asks the same of what it reads years later: so what no daemon takes is found.
/// `RetentionDecision` is the same for policies and floors.
struct RuleDecision {
    let rules: RuleBook
    /// The server's time.
    let recorded: Instant

    enum Outcome: Hashable {
        case taken(Event.Deed, tenant: TenantID?)
        /// It is in the log already.
        case present(Position, effectiveAt: Instant)
        case refused(Refusal)
    }

    func outcome(of draft: CancelDraft) -> Outcome {
        guard let (scope, entry) = rules.policies.entry(at: draft.change) else {
            return .refused(
                Refusal(.unknown, "\(draft.change) is no retention change; RETENTION.GET of its scope names those that are pending"))
        }
        if let cancelled = entry.cancelled { return .present(cancelled.position, effectiveAt: recorded) }
        if entry.effectiveAt <= recorded {
            return .refused(
                Refusal(.conflict, "the change at \(draft.change) took effect at \(entry.effectiveAt); set another period instead"))
        }
        if let follower = rules.policies.follower(of: entry, in: scope, within: Horizon(position: .last, time: recorded)) {
            return .refused(.leavesBehind(follower.entry, of: follower.scope))
        }
        let cancel = RetentionCancel(scope: scope, change: draft.change, reason: draft.reason)
        return .taken(.retentionCancel(cancel), tenant: scope.tenant)
    }

    func outcome(of hold: HoldPlace) -> Outcome {
        guard let known = rules.holds.entry(hold.id) else { return .taken(.holdPlace(hold), tenant: hold.coverage.tenant) }
        if known.released == nil, known.hold.coverage == hold.coverage, known.hold.matter == hold.matter {
            return .present(known.placed.position, effectiveAt: known.placed.at)
        }
        let what = known.released == nil ? "stands already for something else" : "was released"
        return .refused(Refusal(.conflict, "hold '\(hold.id)' \(what); give the new one another id"))
    }

    func outcome(of draft: ReleaseDraft) -> Outcome {
        guard let known = rules.holds.entry(draft.hold) else {
            return .refused(Refusal(.unknown, "there is no hold '\(draft.hold)'; HOLD.LIST names those that there are"))
        }
        if let released = known.released { return .present(released.position, effectiveAt: released.at) }
        let release = HoldRelease(id: draft.hold, coverage: known.hold.coverage, reason: draft.reason)
        return .taken(.holdRelease(release), tenant: release.coverage.tenant)
    }

    /// An operator says that the clock is right.
    func outcome(ofConfirmation reason: String) -> Outcome {
        .taken(.clockConfirm(ClockConfirm(wall: recorded, reason: reason)), tenant: nil)
    }
}

/// The steps of a purge, and of a partition's removal.
extension RuleDecision {
    func outcome(of intent: PurgeIntent) -> Outcome {
        if let open = rules.purges.open.first {
            return .refused(
                Refusal(.busy, "another purge is under way (its intent is at \(open.position)); try again when it is done"))
        }
        if let refusal = refusalOfOutdated(intent) { return .refused(refusal) }
        return .taken(.purgeIntent(intent), tenant: intent.coverage.tenant)
    }

    /// Why nothing may be destroyed by an intent now, if so.
    func refusal(ofShredBy position: Position) -> Refusal? {
        guard let intent = openIntent(at: position) else { return .notOpen(position) }
        return refusalOfOutdated(intent)
    }

    /// Why a receipt cannot be of what an intent destroyed, if so. A rule may have taken effect between the shred and it.
    func refusal(ofReceiptFor position: Position) -> Refusal? {
        guard let intent = openIntent(at: position) else { return .notOpen(position) }
        return rules.last <= intent.rules ? nil : .rulesChanged(rules.last)
    }

    /// An intent is of the rules that counted when it was planned: nothing was written since, and nothing that was pending has taken effect.
    private func refusalOfOutdated(_ intent: PurgeIntent) -> Refusal? {
        guard rules.last <= intent.rules else { return .rulesChanged(rules.last) }
        return rules.policies.change(takingEffectAfter: intent.horizonTime, through: recorded).map { .ruleTookEffect($0.position) }
    }

    func outcome(of receipt: Purge) -> Outcome {
        guard let intent = openIntent(at: receipt.intent) else { return .refused(.notOpen(receipt.intent)) }
        return .taken(.purge(receipt), tenant: intent.coverage.tenant)
    }

    func outcome(of removal: PartitionRemove) -> Outcome {
        if let open = rules.purges.open.first {
            return .refused(Refusal(.busy, "a purge is under way (its intent is at \(open.position)); try again when it is done"))
        }
        return .taken(.partitionRemove(removal), tenant: nil)
    }

    func openIntent(at position: Position) -> PurgeIntent? { rules.purges.open.first { $0.position == position }?.intent }
}

extension Refusal {
    static func rulesChanged(_ position: Position) -> Refusal {
        Refusal(.conflict, "a policy, floor or hold has changed since the plan (at \(position)); plan again")
    }

    fileprivate static func ruleTookEffect(_ position: Position) -> Refusal {
        Refusal(.conflict, "a policy or floor (of \(position)) has taken effect since the plan; plan again")
    }

    /// Whoever takes back, or supersedes, what a narrower change waits for together with it.
    static func leavesBehind(_ follower: PolicyBook.Entry, of scope: Scope) -> Refusal {
        Refusal(
            .conflict,
            "the change at \(follower.position) (\(scope)) takes effect together with the pending one, and would be left without a cool-off; cancel it first (RETENTION.CANCEL \(follower.position.rawValue))"
        )
    }

    fileprivate static func notOpen(_ intent: Position) -> Refusal { Refusal(.unknown, "the intent at \(intent) is not open") }
}

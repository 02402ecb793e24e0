package import Events

/// How what counts for one scope goes on: its own policy or floor, and behind a policy those of the wider scopes.
///
/// Asked, with and without a change, before that is made: a copy of a few short histories instead of the whole book.
package struct RuleCourse: Sendable {
    private let target: RetentionTarget
    private var own: RuleHistory
    /// Narrowest first. Of a floor there is none: floors add up, so none takes another's place.
    private let wider: [RuleHistory]

    init(of target: RetentionTarget, own: RuleHistory, wider: [RuleHistory]) {
        self.target = target
        self.own = own
        self.wider = wider
    }

    package mutating func insert(_ entry: PolicyBook.Entry) { own.insert(entry) }

    /// The scope's own rule that is in force at a time.
    package func rule(at time: Instant) -> PolicyBook.Entry? { own.inForce(within: Horizon(position: .last, time: time)) }

    /// The period that counts at a time; nil for no floor.
    package func period(at time: Instant) -> Period? {
        let horizon = Horizon(position: .last, time: time)
        if case .keep(let period)? = own.inForce(within: horizon)?.rule { return period }
        for history in wider {
            if case .keep(let period)? = history.inForce(within: horizon)?.rule { return period }
        }
        return target == .policy ? .systemDefault : nil
    }

    /// When something takes effect that is pending at `time`, here or in a wider scope, soonest first.
    package func turns(after time: Instant) -> [Instant] {
        let pending = ([own] + wider).flatMap { $0.pending(within: Horizon(position: .last, time: time)) }
        return Set(pending.map(\.effectiveAt)).sorted()
    }
}

extension PolicyBook {
    package func course(of target: RetentionTarget, for scope: Scope) -> RuleCourse {
        let wider = target == .policy ? scope.widening.dropFirst().compactMap { rulesOf[$0]?.policy } : []
        return RuleCourse(of: target, own: rulesOf[scope]?[target] ?? RuleHistory(), wider: wider)
    }
}

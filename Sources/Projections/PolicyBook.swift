package import Events

/// Every retention policy and floor with its whole history: small, and kept in memory.
///
/// Of a scope's changes that are in force, the one that took effect last counts, so an imported decision of 2014 does not undo one of
/// last week. A decision undoes an earlier one that would take effect no sooner: that one is superseded, for good.
package struct PolicyBook: Sendable {
    package struct Entry: Hashable, Sendable {
        package var position: Position
        package var at: Instant
        package var effectiveAt: Instant
        package var target: RetentionTarget
        package var rule: RetentionChange.Rule
        package var isLocked: Bool
        /// By which event it was taken back.
        package var cancelled: LogPlace?

        /// Of the change, and of what took it back.
        package var positions: [Position] { [position] + (cancelled.map { [$0.position] } ?? []) }

        package init(
            position: Position, at: Instant, effectiveAt: Instant, target: RetentionTarget, rule: RetentionChange.Rule, isLocked: Bool
        ) {
            self.position = position
            self.at = at
            self.effectiveAt = effectiveAt
            self.target = target
            self.rule = rule
            self.isLocked = isLocked
        }
    }

    private(set) var rulesOf: [Scope: ScopeRules] = [:]
    private var scopeOf: [Position: Scope] = [:]
    /// Whether any change was ever made of a single conversation's policy or floor.
    package private(set) var namesConversations = false

    package init() {}

    /// Writes a change down. The same one again changes nothing.
    package mutating func record(_ change: RetentionChange, position: Position, at: Instant) {
        guard scopeOf.updateValue(change.scope, forKey: position) == nil else { return }
        let entry = Entry(
            position: position, at: at, effectiveAt: change.effectiveAt, target: change.target, rule: change.rule,
            isLocked: change.isLocked)
        rulesOf[change.scope, default: ScopeRules()][change.target].insert(entry)
        if case .conversation = change.scope { namesConversations = true }
    }

    /// Writes down that a change was taken back. The first time counts; a change that nobody knows is none.
    package mutating func cancel(_ change: Position, position: Position, at: Instant) {
        guard let scope = scopeOf[change] else { return }
        for target in RetentionTarget.allCases {
            rulesOf[scope]?[target].cancel(change, LogPlace(position: position, at: at))
        }
    }

    /// The scope's own rule within the horizon, if it ever had one.
    package func rule(of scope: Scope, target: RetentionTarget = .policy, within horizon: Horizon) -> Entry? {
        rulesOf[scope]?[target].inForce(within: horizon)
    }

    /// What is decided for a scope and not yet in force, in the order in which it will be.
    package func pending(of scope: Scope, within horizon: Horizon) -> [Entry] {
        guard let rules = rulesOf[scope] else { return [] }
        let pending = rules.policy.pending(within: horizon) + rules.floor.pending(within: horizon)
        return pending.sorted { ($0.effectiveAt, $0.position) < ($1.effectiveAt, $1.position) }
    }

    /// The longest period that is locked for a scope, be it in force or pending.
    package func lock(of scope: Scope, target: RetentionTarget, within horizon: Horizon) -> Entry? {
        guard let rules = rulesOf[scope]?[target] else { return nil }
        var longest: (entry: Entry, period: Period)?
        for entry in [rules.inForce(within: horizon)].compactMap({ $0 }) + rules.pending(within: horizon) where entry.isLocked {
            guard case .keep(let period) = entry.rule, longest.map({ period.isNeverShorter(than: $0.period) }) ?? true else { continue }
            longest = (entry, period)
        }
        return longest?.entry
    }

    /// A change, by its position.
    package func entry(at position: Position) -> (scope: Scope, entry: Entry)? {
        guard let scope = scopeOf[position], let rules = rulesOf[scope] else { return nil }
        return (rules.policy[position] ?? rules.floor[position]).map { (scope, $0) }
    }

    /// All changes of a scope, by position.
    package func history(of scope: Scope) -> [Entry] {
        guard let rules = rulesOf[scope] else { return [] }
        return (rules.policy.entries + rules.floor.entries).sorted { $0.position < $1.position }
    }

    /// An earlier imported change that says the same of the same scope at the same time. When it takes effect does not count:
    /// that depends on when it came in. One that was locked because the scope was may have come without a lock.
    package func twin(of rule: RetentionChange.Rule, _ target: RetentionTarget, isLocked: Bool, for scope: Scope, at: Instant) -> Entry? {
        rulesOf[scope]?[target].entries.first { $0.at == at && $0.rule == rule && ($0.isLocked || !isLocked) }
    }

    /// The scopes that ever had a rule, in no order.
    package var scopes: [Scope] { Array(rulesOf.keys) }
}

/// What counts for a scope, with those around it.
extension PolicyBook {
    /// The policy that counts for a scope: its own, else the wider one's, else the system's default.
    package func inForce(for scope: Scope, within horizon: Horizon) -> (period: Period, from: Scope?, entry: Entry?) {
        for candidate in scope.widening {
            guard let entry = rule(of: candidate, within: horizon) else { continue }
            if case .keep(let period) = entry.rule { return (period, candidate, entry) }
        }
        return (.systemDefault, nil, nil)
    }

    /// The floors that count for a scope: its own and all wider ones, narrowest first.
    package func floors(for scope: Scope, within horizon: Horizon) -> [(scope: Scope, period: Period, entry: Entry)] {
        scope.widening.compactMap { candidate in
            guard let entry = rule(of: candidate, target: .floor, within: horizon), case .keep(let period) = entry.rule else { return nil }
            return (candidate, period, entry)
        }
    }

    /// The policy that counts for a scope, and all floors. Asked for every message: looks each scope up once, and makes no list but
    /// that of the floors.
    package func terms(for scope: Scope, within horizon: Horizon) -> Terms {
        var found: (policy: Period?, floors: [Period]) = (nil, [])
        add(scope, to: &found, within: horizon)
        switch scope {
        case .system: break
        case .tenant: add(.system, to: &found, within: horizon)
        case .conversation(let tenant, _):
            add(.tenant(tenant), to: &found, within: horizon)
            add(.system, to: &found, within: horizon)
        }
        return Terms(policy: found.policy ?? .systemDefault, floors: found.floors)
    }

    private func add(_ scope: Scope, to found: inout (policy: Period?, floors: [Period]), within horizon: Horizon) {
        guard let rules = rulesOf[scope] else { return }
        if found.policy == nil, case .keep(let period) = rules.policy.inForce(within: horizon)?.rule { found.policy = period }
        if case .keep(let floor) = rules.floor.inForce(within: horizon)?.rule { found.floors.append(floor) }
    }

    /// The periods of all locked policies that are in force for a scope, its own and the wider ones.
    package func lockedPeriods(for scope: Scope, within horizon: Horizon) -> [Period] {
        scope.widening.compactMap { candidate in
            guard let entry = rule(of: candidate, within: horizon), entry.isLocked, case .keep(let period) = entry.rule else { return nil }
            return period
        }
    }

    /// Whether a conversation has a policy or a floor of its own, so that its messages may end at other times than its tenant's.
    package func hasOwnPolicy(_ tenant: TenantID, _ conversation: ConversationID, within horizon: Horizon) -> Bool {
        guard let rules = rulesOf[.conversation(tenant, conversation)] else { return false }
        if case .keep = rules.policy.inForce(within: horizon)?.rule { return true }
        if case .keep = rules.floor.inForce(within: horizon)?.rule { return true }
        return false
    }
}

extension Scope {
    /// The scope itself and those around it, narrowest first.
    package var widening: [Scope] {
        switch self {
        case .system: [.system]
        case .tenant: [self, .system]
        case .conversation(let tenant, _): [self, .tenant(tenant), .system]
        }
    }
}

extension PolicyBook {
    /// When the next change takes effect: until then the same terms count.
    package func nextEffective(after time: Instant) -> Instant? {
        scopes.flatMap { history(of: $0) }.map(\.effectiveAt).filter { $0 > time }.min()
    }

    /// A change that was not taken back and has come into force within a time, if any.
    package func change(takingEffectAfter time: Instant, through end: Instant) -> Entry? {
        guard time < end else { return nil }
        return scopes.lazy.flatMap { history(of: $0) }.first { $0.cancelled == nil && $0.effectiveAt > time && $0.effectiveAt <= end }
    }

    /// A pending policy of a narrower scope that was decided later and takes effect together with one of a wider scope, the earliest of them. Where the wider one
    /// is taken back, what the narrower one shortens would come without a cool-off of its own.
    package func follower(of entry: Entry, in scope: Scope, within horizon: Horizon) -> (scope: Scope, entry: Entry)? {
        guard entry.target == .policy else { return nil }
        let narrower = rulesOf.lazy.filter { $0.key != scope && $0.key.widening.contains(scope) }
        return narrower.flatMap { other in
            other.value.policy.pending(within: horizon).filter { $0.position > entry.position && $0.effectiveAt == entry.effectiveAt }
                .map { (other.key, $0) }
        }.min { $0.1.position < $1.1.position }
    }
}

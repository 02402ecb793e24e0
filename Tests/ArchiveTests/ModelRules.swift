/// What was decided of each scope.
struct ModelRules {
    struct Scope: Hashable {
        var tenant: String?
        var conversation: String?
        var isFloor = false
        var floor: Self { Self(tenant: tenant, conversation: conversation, isFloor: true) }

        /// Those whose period counts where this one has none. Floors add up instead.
        var wider: [Scope] {
            if tenant == nil || isFloor { return [] }
            return (conversation == nil ? [] : [Scope(tenant: tenant)]) + [Scope()]
        }
    }
    struct Change {
        var position = Int.max
        var at = 0
        var effectiveAt = 0
        var scope: Scope
        /// Nil: inherit.
        var period: String?
        var isLocked = false

        var isLock: Bool { isLocked && period != nil }
    }
    private(set) var changes: [Scope: [Change]] = [:]

    /// What it supersedes is gone for good.
    mutating func note(_ change: Change) {
        changes[change.scope, default: []].removeAll { $0.at <= change.at && change.effectiveAt <= $0.effectiveAt }
        changes[change.scope, default: []].append(change)
    }
    mutating func cancel(_ position: Int) {
        for scope in changes.keys { changes[scope]?.removeAll { $0.position == position } }
    }
    func change(of scope: Scope, at time: Int) -> Change? {
        (changes[scope] ?? []).filter { $0.effectiveAt <= time }.max { ($0.effectiveAt, $0.position) < ($1.effectiveAt, $1.position) }
    }
    /// Nil: no floor.
    func period(of scope: Scope, at time: Int) -> String? {
        ([scope] + scope.wider).lazy.compactMap { change(of: $0, at: time)?.period }.first ?? (scope.isFloor ? nil : "180d")
    }
}

/// What was decided of each scope, and when a new decision takes effect: by trying the moments at which it might.
struct ModelRules {
    struct Scope: Hashable {
        var tenant: String?
        var conversation: String?
        var isFloor = false

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
    enum Ruling: Equatable {
        case takes(effectiveAt: Int)
        case present(Int)
        case refused(String)
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
    private func pending(_ scope: Scope, after time: Int) -> [Change] { (changes[scope] ?? []).filter { $0.effectiveAt > time } }

    /// The locks, in force or pending, that a change of a scope must heed there.
    private func locks(of scope: Scope, at time: Int) -> [Change] {
        ([change(of: scope, at: time)].compactMap { $0 } + pending(scope, after: time)).filter(\.isLock)
    }
    /// What becomes of a change, and what is written down of it. `all`: whatever was written down, for a repetition.
    func ruling(on wanted: Change, isImport: Bool, now: Int, coolOff: Int, all: [Change]) -> (Ruling, Change) {
        var change = wanted
        let twin = all.filter {
            $0.scope == wanted.scope && $0.at == wanted.at && $0.period == wanted.period && ($0.isLocked || !wanted.isLocked)
        }.min { ($0.effectiveAt, $0.position) < ($1.effectiveAt, $1.position) }
        if isImport, let twin { return (.present(twin.position), change) }
        if change.scope == Scope(), change.period == nil { return (.refused("BADARG"), change) }
        let own = locks(of: change.scope, at: now)
        let around = change.period == nil ? [] : change.scope.wider.flatMap { locks(of: $0, at: now) }
        if (own + around).contains(where: { Calendar.isShorter(change.period, than: $0.period) }) { return (.refused("LOCKED"), change) }
        change.isLocked = change.isLocked || !own.isEmpty
        let turns = ([change.scope] + change.scope.wider).flatMap { pending($0, after: now) }.map(\.effectiveAt)
        for moment in [change.at, now] + turns.filter({ $0 < now + coolOff }).sorted() + [now + coolOff] {
            change.effectiveAt = moment
            var after = self
            after.note(change)
            let steps = Set(turns + [now, max(now, moment)]).sorted()
            let isKept = steps.allSatisfy { time in
                let period = after.period(of: change.scope, at: time)
                let lock = self.change(of: change.scope, at: time)
                return (time >= now + coolOff || !Calendar.isShorter(period, than: self.period(of: change.scope, at: time)))
                    && !(lock.map { $0.isLock && Calendar.isShorter(period, than: $0.period) } ?? false)
            }
            guard isKept else { continue }
            switch change.isLock ? after.hindrance(of: change, steps.filter { $0 >= moment }) : nil {
            case nil: return (.takes(effectiveAt: moment), change)
            case .some(let pending?): return (.refused("CONFLICT \(pending)"), change)
            case .some(nil): continue
            }
        }
        return (.refused("LOCKED"), change)
    }
    /// Whether something shorter than a lock counts behind it, or what is no lock in its place: the position of what is pending, or nil
    /// for what counts already.
    private func hindrance(of lock: Change, _ steps: [Int]) -> Int?? {
        let counts = change(of: lock.scope, at: steps[0])?.position == lock.position
        for time in steps {
            let rule = change(of: lock.scope, at: time)
            if !Calendar.isShorter(period(of: lock.scope, at: time), than: lock.period), !counts || rule?.isLock ?? false { continue }
            return .some(rule.flatMap { $0.effectiveAt > steps[0] ? $0.position : nil })
        }
        return nil
    }
}

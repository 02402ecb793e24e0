/// Which changes of a rule are accepted, and when they take effect: by trying the moments at which they might.
extension ModelRules {
    enum Ruling: Equatable {
        case takes(effectiveAt: Int)
        case present(Int)
        case refused(String)
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
        if (own + around).contains(where: { Periods.isShorter(change.period, than: $0.period) }) { return (.refused("LOCKED"), change) }
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
                return (time >= now + coolOff || !Periods.isShorter(period, than: self.period(of: change.scope, at: time)))
                    && !(lock.map { $0.isLock && Periods.isShorter(period, than: $0.period) } ?? false)
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
            if !Periods.isShorter(period(of: lock.scope, at: time), than: lock.period), !counts || rule?.isLock ?? false { continue }
            return .some(rule.flatMap { $0.effectiveAt > steps[0] ? $0.position : nil })
        }
        return nil
    }
}

/// Which of two periods is shorter, by trying.
enum Periods {
    /// Those that histories use.
    static let all = ["1d", "2d", "7d", "4w", "30d", "31d", "1mo", "2mo", "6mo", "10mo", "180d", "1y", "forever"]

    /// Whether there is a day of which the one would end earlier than the other. Nil: no period at all.
    static func isShorter(_ one: String?, than other: String?) -> Bool {
        guard let other else { return false }
        return one.map { shorter.contains([$0, other]) } ?? true
    }

    /// Tried on each day of some years, among them one of 366 days.
    private static let shorter: Set<[String]> = {
        let days = (20_000..<22_000).map { $0 * Calendar.day }
        let ends = all.map { period in days.map { Calendar.end(of: period, from: $0) } }
        var pairs: Set<[String]> = []
        for (one, its) in zip(all, ends) {
            for (other, others) in zip(all, ends) where zip(its, others).contains(where: <) { pairs.insert([one, other]) }
        }
        return pairs
    }()
}

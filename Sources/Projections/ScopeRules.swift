import Events

/// What was decided for one scope.
struct ScopeRules {
    var policy = RuleHistory()
    var floor = RuleHistory()

    subscript(target: RetentionTarget) -> RuleHistory {
        get { target == .policy ? policy : floor }
        _modify {
            switch target {
            case .policy: yield &policy
            case .floor: yield &floor
            }
        }
    }
}

/// The changes of one scope's policy, or of its floor, in order of (effective-at, position).
struct RuleHistory {
    private(set) var entries: [PolicyBook.Entry] = []
    /// By index: whether any entry supersedes this one. Hardly any is, so that a reader seldom has to look through them all.
    private var hasSuperseding: [Bool] = []

    mutating func insert(_ entry: PolicyBook.Entry) {
        let index = entries.firstIndex { ($0.effectiveAt, $0.position) > (entry.effectiveAt, entry.position) } ?? entries.endIndex
        let isSuperseded = entries.contains { $0.supersedes(entry) }
        for other in entries.indices where entry.supersedes(entries[other]) { hasSuperseding[other] = true }
        entries.insert(entry, at: index)
        hasSuperseding.insert(isSuperseded, at: index)
    }

    mutating func cancel(_ change: Position, _ place: LogPlace) {
        guard let index = entries.firstIndex(where: { $0.position == change }) else { return }
        if let before = entries[index].cancelled, before.position <= place.position { return }
        entries[index].cancelled = place
    }

    subscript(position: Position) -> PolicyBook.Entry? { entries.first { $0.position == position } }

    func inForce(within horizon: Horizon) -> PolicyBook.Entry? {
        var index = entries.endIndex
        while index > 0 {
            index -= 1
            if entries[index].effectiveAt <= horizon.time, counts(index, within: horizon) { return entries[index] }
        }
        return nil
    }

    func pending(within horizon: Horizon) -> [PolicyBook.Entry] {
        entries.indices.filter { entries[$0].effectiveAt > horizon.time && counts($0, within: horizon) }.map { entries[$0] }
    }

    /// Whether it is known, not taken back, and was never superseded.
    ///
    /// For good, so also if what superseded it was taken back since: otherwise that would bring back, from one moment to the next,
    /// what may be shorter than what has counted meanwhile.
    private func counts(_ index: Int, within horizon: Horizon) -> Bool {
        let entry = entries[index]
        guard entry.isKnown(within: horizon), !(entry.cancelled?.isWithin(horizon) ?? false) else { return false }
        return !hasSuperseding[index] || !entries.contains { $0.supersedes(entry) && $0.isKnown(within: horizon) }
    }
}

extension PolicyBook.Entry {
    fileprivate func isKnown(within horizon: Horizon) -> Bool { horizon.includes(position, at: at) }

    fileprivate func supersedes(_ other: PolicyBook.Entry) -> Bool {
        position > other.position && at >= other.at && effectiveAt <= other.effectiveAt
    }
}

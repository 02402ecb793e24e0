package import Events

/// Every retention policy with its whole history: small, and kept in memory.
///
/// Each scope's changes are sorted by (effective-at, position): of two that are in force, the one that took
/// effect later counts, so an imported decision of 2014 does not undo one of last week.
package struct PolicyBook: Sendable {
    package struct Entry: Hashable, Sendable {
        package var position: Position
        package var at: Instant
        package var effectiveAt: Instant
        package var rule: RetentionChange.Rule
    }

    private var entries: [Scope: [Entry]] = [:]

    package init() {}

    /// Writes a change down. The same one again changes nothing.
    package mutating func record(_ change: RetentionChange, position: Position, at: Instant) {
        let entry = Entry(position: position, at: at, effectiveAt: change.effectiveAt, rule: change.rule)
        var list = entries[change.scope, default: []]
        let index = list.firstIndex { ($0.effectiveAt, $0.position) >= (entry.effectiveAt, position) } ?? list.endIndex
        if index < list.endIndex, list[index].position == position { return }
        list.insert(entry, at: index)
        entries[change.scope] = list
    }

    /// The scope's own rule within the horizon, if it ever had one.
    package func rule(of scope: Scope, within horizon: Horizon) -> Entry? {
        entries[scope]?.last { horizon.includes($0.position, at: $0.at) && $0.effectiveAt <= horizon.time }
    }

    /// All changes of a scope, by position.
    package func history(of scope: Scope) -> [Entry] {
        (entries[scope] ?? []).sorted { $0.position < $1.position }
    }

    /// An earlier imported change that says the same of the same scope at the same time.
    package func twin(of change: RetentionChange, at: Instant) -> Entry? {
        entries[change.scope]?.first { $0.at == at && $0.rule == change.rule && $0.effectiveAt == change.effectiveAt }
    }

    /// The policy that counts for a scope: its own, else the wider one's, else the system's default.
    package func inForce(for scope: Scope, within horizon: Horizon) -> (period: Period, from: Scope?, entry: Entry?) {
        for candidate in scope.widening {
            guard let entry = rule(of: candidate, within: horizon) else { continue }
            if case .keep(let period) = entry.rule { return (period, candidate, entry) }
        }
        return (.systemDefault, nil, nil)
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

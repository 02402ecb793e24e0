package import Events

/// Retention by name, for a new tenant: one table, which the settings `preset-…` may change.
///
/// The periods follow what is commonly kept in these fields, so that a start is easy. They are no legal advice: which law counts, for whom
/// and from when, the operator must know.
package struct RetentionPreset: Hashable, Sendable {
    package var name: String
    package var period: Period
    /// Nil: none.
    package var floor: Period?

    package init(name: String, period: Period, floor: Period?) {
        self.name = name
        self.period = period
        self.floor = floor
    }

    package static let all = [
        RetentionPreset(name: "default", period: .days(180), floor: nil),
        RetentionPreset(name: "six-months", period: .months(6), floor: .months(6)),
        RetentionPreset(name: "finance", period: .years(7), floor: .years(6)),
        RetentionPreset(name: "medical", period: .years(10), floor: .years(10)),
        RetentionPreset(name: "education", period: .years(5), floor: .years(1)),
    ]

    /// What setting it means for a scope.
    package func changes(isLocked: Bool) -> [RetentionDraft.Change] {
        let policy = RetentionDraft.Change(.policy, .keep(period), isLocked: isLocked)
        guard let floor else { return [policy] }
        return [RetentionDraft.Change(.floor, .keep(floor), isLocked: isLocked), policy]
    }
}

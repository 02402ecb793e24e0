/// An administrator decided how long messages of a scope are kept.
package struct RetentionChange: Hashable, Sendable {
    package var scope: Scope
    package var target: RetentionTarget
    package var rule: Rule
    /// From now on the scope's target may only become longer.
    package var isLocked: Bool
    package var effectiveAt: Instant
    package var reason: String

    package init(
        scope: Scope, target: RetentionTarget = .policy, rule: Rule, isLocked: Bool = false, effectiveAt: Instant, reason: String
    ) {
        self.scope = scope
        self.target = target
        self.rule = rule
        self.isLocked = isLocked
        self.effectiveAt = effectiveAt
        self.reason = reason
    }

    package enum Rule: Hashable, Sendable {
        case keep(Period)
        /// The scope has no policy of its own (any more): the wider one counts. Of a floor: the scope has none of its own (any more).
        case inherit
    }

    package static let reasonBytesMax = 1024
}

/// What a retention change is about.
package enum RetentionTarget: Hashable, Sendable, CaseIterable {
    /// How long messages are kept: the narrowest scope's counts alone.
    case policy
    /// For how long at least: each scope's counts, whatever the policy says.
    case floor

    package var word: String {
        switch self {
        case .policy: "policy"
        case .floor: "floor"
        }
    }
}

/// An administrator took a retention change back before it took effect.
package struct RetentionCancel: Hashable, Sendable {
    /// The scope of the change.
    package var scope: Scope
    package var change: Position
    package var reason: String

    package init(scope: Scope, change: Position, reason: String) {
        self.scope = scope
        self.change = change
        self.reason = reason
    }
}

extension RetentionChange.Rule: CustomStringConvertible {
    package var description: String {
        switch self {
        case .keep(let period): period.description
        case .inherit: "inherit"
        }
    }

    package init?(text: some StringProtocol) {
        if text.lowercased() == "inherit" {
            self = .inherit
        } else if let period = Period(text: text) {
            self = .keep(period)
        } else {
            return nil
        }
    }
}

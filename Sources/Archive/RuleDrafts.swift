package import Events

/// What changes a rule, as an administrator asked for it.
package enum RuleDraft: Hashable, Sendable {
    case retention(RetentionDraft)
    case cancel(CancelDraft)
    case place(HoldPlace)
    case release(ReleaseDraft)
    /// An operator says that the clock is right.
    case confirmClock(reason: String)
}

/// How long messages of a scope are kept, or at the least must be: all of it together or nothing.
package struct RetentionDraft: Hashable, Sendable {
    package var scope: Scope
    package var changes: [Change]
    package var reason: String
    /// An import brings its own time; nil for all others.
    package var at: Instant?

    package struct Change: Hashable, Sendable {
        package var target: RetentionTarget
        package var rule: RetentionChange.Rule
        package var isLocked: Bool

        package init(_ target: RetentionTarget, _ rule: RetentionChange.Rule, isLocked: Bool = false) {
            self.target = target
            self.rule = rule
            self.isLocked = isLocked
        }
    }

    package init(scope: Scope, changes: [Change], reason: String, at: Instant? = nil) {
        self.scope = scope
        self.changes = changes
        self.reason = reason
        self.at = at
    }

    /// One policy.
    package init(scope: Scope, rule: RetentionChange.Rule, reason: String, at: Instant? = nil) {
        self.init(scope: scope, changes: [Change(.policy, rule)], reason: reason, at: at)
    }
}

/// A retention change that has not taken effect yet shall not.
package struct CancelDraft: Hashable, Sendable {
    package var change: Position
    package var reason: String

    package init(change: Position, reason: String) {
        self.change = change
        self.reason = reason
    }
}

package struct ReleaseDraft: Hashable, Sendable {
    package var hold: HoldID
    package var reason: String

    package init(hold: HoldID, reason: String) {
        self.hold = hold
        self.reason = reason
    }
}

/// Somebody is about to be shown what not everybody sees.
package struct AccessDraft: Hashable, Sendable {
    package var tenant: TenantID
    package var access: Access

    package init(tenant: TenantID, access: Access) {
        self.tenant = tenant
        self.access = access
    }
}

/// A step of a purge, or of a partition's removal, that must be in the log.
enum PurgeDraft: Hashable, Sendable {
    /// What shall be destroyed; refused if a rule has changed since it was planned.
    case intent(PurgeIntent)
    /// No rule changes from here on until the receipt; refused if one has changed since the plan. Appends nothing.
    case beginShred(intent: Position)
    case receipt(Purge)
    /// A partition leaves the log; refused if something came into it.
    case removal(PartitionRemove)

    /// Whether it may end in something that cannot be taken back, and was decided by the clock.
    var goesByTheClock: Bool {
        switch self {
        case .intent, .beginShred, .removal: true
        case .receipt: false
        }
    }
}

package import Events

/// As of when a question is asked.
package enum AsOf: Hashable, Sendable {
    case now
    /// The events with `at` up to this moment.
    case time(Instant)
    /// The events up to this position: what the log knew then.
    case position(Position)
}

/// A place in a timeline, between messages: right at the message of this time and position.
package struct Cursor: Hashable, Comparable, Sendable {
    package var at: Instant
    package var position: Position

    package init(at: Instant, position: Position) {
        self.at = at
        self.position = position
    }

    package static func < (left: Cursor, right: Cursor) -> Bool {
        (left.at, left.position) < (right.at, right.position)
    }
}

extension Cursor: CustomStringConvertible {
    /// `<at in ms>-<position>`, as it is written on the wire.
    package var description: String { "\(at.milliseconds)-\(position.rawValue)" }

    package init?(text: some StringProtocol) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2, let milliseconds = Int64(parts[0]), let position = UInt64(parts[1]) else { return nil }
        self.init(at: Instant(milliseconds: milliseconds), position: Position(position))
        guard at.isWritable else { return nil }
    }
}

/// What does viewer `viewer` see of a conversation?
package struct TimelineQuestion: Hashable, Sendable {
    package var tenant: TenantID
    package var conversation: ConversationID
    /// Nil: an auditor, who is shown whatever there is.
    package var viewer: UserID?
    package var from: Start
    package var count: Int
    package var asOf: AsOf
    /// Whether bodies that the viewer could read then, and cannot now, are among the answers: who is shown them must be in the log first.
    package var hasPastBodies: Bool

    package enum Start: Hashable, Sendable {
        /// The last `count` messages.
        case end
        /// The first `count` messages.
        case beginning
        /// The `count` messages right before the cursor; its own message is not among them.
        case before(Cursor)
        /// The `count` messages right after the cursor; its own message is not among them.
        case after(Cursor)
    }

    package static let countDefault = 50
    package static let countMax = 1000

    package init(
        tenant: TenantID, conversation: ConversationID, viewer: UserID?, from: Start = .end, count: Int = countDefault,
        asOf: AsOf = .now, hasPastBodies: Bool = true
    ) {
        self.hasPastBodies = hasPastBodies
        self.tenant = tenant
        self.conversation = conversation
        self.viewer = viewer
        self.from = from
        self.count = count
        self.asOf = asOf
    }
}

/// Messages in ascending order of (at, position).
package struct TimelinePage: Hashable, Sendable {
    package var messages: [Message]
    /// Where older ones go on, if there are any: `BEFORE previous`.
    package var previous: Cursor?
    /// Where newer ones go on, if there are any: `AFTER next`.
    package var next: Cursor?
    /// The log's end that the page was read at.
    package var position: Position
}

/// A message as somebody may see it.
package struct Message: Hashable, Sendable {
    package var position: Position
    package var at: Instant
    package var tenant: TenantID
    package var conversation: ConversationID
    package var sender: UserID
    package var id: MessageID
    package var contentType: ContentType
    package var state: MessageState
    /// Nil when it may not be read, or is destroyed.
    package var body: [UInt8]?
    /// Nil: never.
    package var expires: Instant?
    /// Whether a hold keeps it from being destroyed.
    package var isHeld = false
    /// The purge that destroyed its body.
    package var receipt: Position?
    /// It is `purged` now, and was visible as of the moment that was asked about.
    var wasVisible = false
    /// Why it expires when it does; only where it was asked for.
    package var why: Explanation?
}

/// What a message is to a viewer at a moment.
package enum MessageState: String, Sendable {
    case purged
    case expired
    case hidden
    case visible
}

/// What is a message's state for a viewer, or for nobody in particular?
package struct MessageQuestion: Hashable, Sendable {
    package var tenant: TenantID
    package var id: MessageID
    package var viewer: UserID?
    package var asOf: AsOf
    /// Whether the answer says why.
    package var isExplained: Bool
    /// Whether a body that the viewer could read then, and cannot now, is in the answer: who is shown it must be in the log first.
    package var hasPastBodies = true

    package init(tenant: TenantID, id: MessageID, viewer: UserID? = nil, asOf: AsOf = .now, isExplained: Bool = false) {
        self.isExplained = isExplained
        self.tenant = tenant
        self.id = id
        self.viewer = viewer
        self.asOf = asOf
    }
}

/// A message in full, with every event that touched it, in order of position.
package struct MessageHistory: Hashable, Sendable {
    package var message: Message
    package var events: [Event]
}

/// Which events follow in the log?
package struct EventsQuestion: Hashable, Sendable {
    package var from: Position
    package var count: Int
    package var tenant: TenantID?

    package static let countDefault = 100
    package static let countMax = 10_000

    package init(from: Position, count: Int = countDefault, tenant: TenantID? = nil) {
        self.from = from
        self.count = count
        self.tenant = tenant
    }
}

package struct EventsPage: Hashable, Sendable {
    package var events: [Event]
    /// From where to ask on: behind the last event that was looked at.
    package var next: Position
}

/// Which policy counts for a scope?
package struct RetentionQuestion: Hashable, Sendable {
    package var scope: Scope
    package var asOf: AsOf

    package init(scope: Scope, asOf: AsOf = .now) {
        self.scope = scope
        self.asOf = asOf
    }
}

package struct PolicyInForce: Hashable, Sendable {
    package var period: Period
    /// The scope whose policy it is; nil when nobody ever decided and the system's default counts.
    package var from: Scope?
    /// The change that brought it.
    package var position: Position?
    package var effectiveAt: Instant?

    package init(period: Period, from: Scope?, position: Position?, effectiveAt: Instant?) {
        self.period = period
        self.from = from
        self.position = position
        self.effectiveAt = effectiveAt
    }
}

/// Numbers about the archive, at one moment.
package struct Statistics: Hashable, Sendable {
    /// The log's end.
    package var position: Position
    /// The end of what is in partitions; the events behind it are in the journal.
    package var folded: Position
    package var tailEvents: Int
    package var tailBytes: Int
    package var partitions: Int
    package var openPartitions: Int
    /// Those that left the log since it was made.
    package var removedPartitions: Int
    /// Put aside, because pages of their files are not what was written there.
    package var damagedPartitions: Int
    package var messages: Int
    package var conversations: Int
    package var bodyBytes: Int
    package var diskBytes: Int
    package var journalBytes: Int
    /// Since the start of this process.
    package var batches: Int
    package var folds: Int
    package var keys: Int
    package var now: Instant
    package var isWritable: Bool
    package var started: Instant
    /// Of the newest checkpoint; 0 when none was signed.
    package var checkpointSize: UInt64
    package var partitionLength: String
    package var instance: String
}

/// All that counts for a scope.
package struct RetentionInForce: Hashable, Sendable {
    package var policy: PolicyInForce
    package var isLocked: Bool
    /// The floor that lasts longest, if there is any.
    package var floor: PolicyInForce?
    /// The scope's own changes that have not taken effect yet.
    package var pending: [PendingChange]
}

/// A retention change that has not taken effect yet, and can be cancelled.
package struct PendingChange: Hashable, Sendable {
    package var position: Position
    package var target: RetentionTarget
    package var rule: RetentionChange.Rule
    package var effectiveAt: Instant
    package var isLocked: Bool
}

package struct StateDigest: Hashable, Sendable {
    package var position: Position
    package var bytes: [UInt8]
}

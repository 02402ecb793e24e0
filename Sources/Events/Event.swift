/// One entry of the log, without any content: its trail record, taken apart.
package struct Event: Hashable, Sendable {
    package var position: Position
    /// The event's time. Given by the server, except for an import, which brings its own.
    package var at: Instant
    /// The server's time at which an imported event came in; nil for all others, whose `at` it is.
    package var imported: Instant?
    package var principal: Principal
    /// Nil only for what concerns the whole system.
    package var tenant: TenantID?
    package var deed: Deed

    package init(
        position: Position, at: Instant, imported: Instant? = nil, principal: Principal, tenant: TenantID?, deed: Deed
    ) {
        self.position = position
        self.at = at
        self.imported = imported
        self.principal = principal
        self.tenant = tenant
        self.deed = deed
    }

    /// The server's time when the event entered the log; never falls from one position to the next.
    package var recorded: Instant { imported ?? at }

    /// What was done.
    package enum Deed: Hashable, Sendable {
        case send(Send)
        case localDelete(LocalDelete)
        case retentionChange(RetentionChange)
    }

    package var kind: EventKind {
        switch deed {
        case .send: .send
        case .localDelete: .localDelete
        case .retentionChange: .retentionChange
        }
    }

    /// The conversation that the event names, if it names one.
    package var conversation: ConversationID? {
        switch deed {
        case .send(let send): send.conversation
        case .localDelete(let deletion): deletion.conversation
        case .retentionChange(let change): change.scope.conversation
        }
    }
}

/// The kinds of events. A number never gets a second meaning.
package enum EventKind: UInt8, Sendable, CaseIterable {
    case send = 1
    case localDelete = 2
    case retentionChange = 3

    /// The kind's word on the wire and in the pages.
    package var word: String {
        switch self {
        case .send: "send"
        case .localDelete: "local-delete"
        case .retentionChange: "retention-change"
        }
    }
}

/// A message came in.
package struct Send: Hashable, Sendable {
    package var conversation: ConversationID
    package var sender: UserID
    package var messageID: MessageID
    package var contentType: ContentType
    package var bodyBytes: UInt32
    package var commitment: Commitment
    /// The sender's own clock, informative only.
    package var clientTime: Instant?

    package init(
        conversation: ConversationID, sender: UserID, messageID: MessageID, contentType: ContentType = .plainText,
        bodyBytes: UInt32, commitment: Commitment, clientTime: Instant? = nil
    ) {
        self.conversation = conversation
        self.sender = sender
        self.messageID = messageID
        self.contentType = contentType
        self.bodyBytes = bodyBytes
        self.commitment = commitment
        self.clientTime = clientTime
    }
}

/// SHA-256 of salt and body: proves what the body was while it exists, and says nothing once salt and body are gone.
package struct Commitment: Hashable, Sendable {
    package static let byteCount = 32
    package let bytes: [UInt8]

    package init(_ bytes: [UInt8]) {
        precondition(bytes.count == Self.byteCount, "a commitment has 32 bytes because it is a SHA-256")
        self.bytes = bytes
    }
}

/// A viewer hid messages from himself.
package struct LocalDelete: Hashable, Sendable {
    package var conversation: ConversationID
    package var viewer: UserID
    package var extent: Extent

    package init(conversation: ConversationID, viewer: UserID, extent: Extent) {
        self.conversation = conversation
        self.viewer = viewer
        self.extent = extent
    }

    package enum Extent: Hashable, Sendable {
        case messages([Target])
        /// Everything of the conversation up to and with this position: a cleared history.
        case upTo(Position)
    }

    /// A message by its id, and where the appender found it: the fold looks nothing up.
    package struct Target: Hashable, Sendable {
        package var position: Position
        package var messageID: MessageID

        package init(position: Position, messageID: MessageID) {
            self.position = position
            self.messageID = messageID
        }
    }

    /// So many messages one event may name.
    package static let targetsMax = 512
}

/// An administrator decided how long messages of a scope are kept.
package struct RetentionChange: Hashable, Sendable {
    package var scope: Scope
    package var rule: Rule
    package var effectiveAt: Instant
    package var reason: String

    package init(scope: Scope, rule: Rule, effectiveAt: Instant, reason: String) {
        self.scope = scope
        self.rule = rule
        self.effectiveAt = effectiveAt
        self.reason = reason
    }

    package enum Rule: Hashable, Sendable {
        case keep(Period)
        /// The scope has no policy of its own (any more): the wider one counts.
        case inherit
    }

    package static let reasonBytesMax = 1024
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

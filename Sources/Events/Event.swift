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
        case retentionCancel(RetentionCancel)
        case holdPlace(HoldPlace)
        case holdRelease(HoldRelease)
        case purgeIntent(PurgeIntent)
        case purge(Purge)
        case clockConfirm(ClockConfirm)
        case partitionRemove(PartitionRemove)
        case access(Access)
    }

    package var kind: EventKind {
        switch deed {
        case .send: .send
        case .localDelete: .localDelete
        case .retentionChange: .retentionChange
        case .retentionCancel: .retentionCancel
        case .holdPlace: .holdPlace
        case .holdRelease: .holdRelease
        case .purgeIntent: .purgeIntent
        case .purge: .purge
        case .clockConfirm: .clockConfirm
        case .partitionRemove: .partitionRemove
        case .access: .access
        }
    }

    /// The conversation whose event it is, if it is one's: what `EXPECT` looks at.
    package var conversation: ConversationID? {
        switch deed {
        case .send(let send): send.conversation
        case .localDelete(let deletion): deletion.conversation
        case .retentionChange(let change): change.scope.conversation
        case .retentionCancel(let cancel): cancel.scope.conversation
        case .holdPlace(let hold): hold.coverage.conversation
        case .holdRelease(let release): release.coverage.conversation
        case .purgeIntent(let intent): intent.coverage.conversation
        case .purge, .clockConfirm, .partitionRemove: nil
        // It names one, too. But an auditor's look must not refuse a writer who expects the last event to be his own, nor tell him of it.
        case .access: nil
        }
    }
}

/// The kinds of events. A number never gets a second meaning.
package enum EventKind: UInt8, Sendable, CaseIterable {
    case send = 1
    case localDelete = 2
    case retentionChange = 3
    case retentionCancel = 4
    case holdPlace = 5
    case holdRelease = 6
    case purgeIntent = 7
    case purge = 8
    case clockConfirm = 9
    case partitionRemove = 10
    case access = 11

    /// The kind's word on the wire and in the pages.
    package var word: String {
        switch self {
        case .send: "send"
        case .localDelete: "local-delete"
        case .retentionChange: "retention-change"
        case .retentionCancel: "retention-cancel"
        case .holdPlace: "hold-place"
        case .holdRelease: "hold-release"
        case .purgeIntent: "purge-intent"
        case .purge: "purge"
        case .clockConfirm: "clock-confirm"
        case .partitionRemove: "partition-remove"
        case .access: "access"
        }
    }

    /// Whether it is about what is kept and what is destroyed, rather than about messages one by one. Only such an event may
    /// concern the whole system, so that it has no tenant.
    package var isRule: Bool {
        switch self {
        case .send, .localDelete, .access: false
        case .retentionChange, .retentionCancel, .holdPlace, .holdRelease, .purgeIntent, .purge, .clockConfirm, .partitionRemove: true
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

    /// So many messages one event may name: its record then fits into an entry bundle of the audit tree, whose lengths have two bytes.
    package static let targetsMax = 400
}

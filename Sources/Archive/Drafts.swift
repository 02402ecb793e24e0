package import Events

/// A `send` as a service asked for it: bytes still in the socket's buffer, lent for the length of one call.
package struct SendDraft {
    package var tenant: UnsafeRawBufferPointer
    package var conversation: UnsafeRawBufferPointer
    package var sender: UnsafeRawBufferPointer
    /// `*` asks the server to make one.
    package var messageID: UnsafeRawBufferPointer
    package var body: UnsafeRawBufferPointer
    /// Empty: plain text.
    package var contentType: UnsafeRawBufferPointer
    package var clientTime: Instant?
    package var expected: ExpectedPosition?
    /// An import brings its own time; nil for all others.
    package var at: Instant?

    package init(
        tenant: UnsafeRawBufferPointer, conversation: UnsafeRawBufferPointer, sender: UnsafeRawBufferPointer,
        messageID: UnsafeRawBufferPointer, body: UnsafeRawBufferPointer,
        contentType: UnsafeRawBufferPointer = UnsafeRawBufferPointer(start: nil, count: 0),
        clientTime: Instant? = nil, expected: ExpectedPosition? = nil, at: Instant? = nil
    ) {
        self.tenant = tenant
        self.conversation = conversation
        self.sender = sender
        self.messageID = messageID
        self.body = body
        self.contentType = contentType
        self.clientTime = clientTime
        self.expected = expected
        self.at = at
    }
}

/// What the conversation's last event must be for an append to be taken.
package enum ExpectedPosition: Hashable, Sendable {
    case none
    case position(Position)
}

/// A `local-delete` as a service asked for it.
package struct LocalDeleteDraft: Hashable, Sendable {
    package var tenant: TenantID
    package var conversation: ConversationID
    package var viewer: UserID
    package var extent: Extent
    package var at: Instant?

    package enum Extent: Hashable, Sendable {
        case messages([MessageID])
        case upTo(Position)
    }

    package init(tenant: TenantID, conversation: ConversationID, viewer: UserID, extent: Extent, at: Instant? = nil) {
        self.tenant = tenant
        self.conversation = conversation
        self.viewer = viewer
        self.extent = extent
        self.at = at
    }
}

/// Whose append an outcome answers: a number that the caller made up and gets back.
package struct Ticket: Hashable, Sendable {
    package var rawValue: UInt64
    package init(_ rawValue: UInt64) { self.rawValue = rawValue }
}

/// What became of a draft. Given only after everything it speaks of is on disk.
package enum Verdict: Hashable, Sendable {
    /// A new event. `effectiveAt` is the event's time for all but a retention change.
    case appended(Position, effectiveAt: Instant)
    /// The same as an earlier one, whose position this is; nothing was appended.
    case present(Position, effectiveAt: Instant)
    case refused(Refusal)
}

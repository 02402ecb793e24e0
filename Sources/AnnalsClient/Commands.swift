import RESP

/// The commands that services send, with types. What is not here goes through `call`.
extension AnnalsClient {
    /// Which event the conversation's last one must be, so that an append is taken.
    public enum ExpectedPosition: Sendable, Hashable {
        /// The conversation has no event yet.
        case nothing
        /// The conversation's last event has this position.
        case last(Position)
    }

    /// Where a page of a timeline begins.
    public enum PageStart: Sendable, Hashable {
        /// The newest messages.
        case newest
        /// The oldest messages.
        case oldest
        /// The messages just older than the cursor.
        case before(Cursor)
        /// The messages just newer than the cursor.
        case after(Cursor)
    }

    /// A moment in the past that a question is about.
    public enum Moment: Sendable, Hashable {
        /// What had happened by then.
        case time(Instant)
        /// What the log knew when it ended there.
        case position(Position)
    }

    /// Appends a message. When it returns, the message is on disk.
    ///
    /// Sending the same again appends nothing and returns the first one's position, so after a lost connection send it again.
    /// - Parameters:
    ///   - messageID: unique in its tenant; `*` has the server make one, and gives up the right to send it again.
    ///   - body: a text, or bytes as they are.
    ///   - contentType: the media type of the body; plain text when nil.
    ///   - clientTime: the sender's own clock, kept for information.
    ///   - at: when it was sent, for imports; needs the right to import.
    public func send(
        tenant: String, conversation: String, sender: String, messageID: String, body: Word, contentType: String? = nil,
        clientTime: Instant? = nil, expecting: ExpectedPosition? = nil, at: Instant? = nil
    ) async throws(AnnalsClientError) -> Position {
        var words: [Word] = ["SEND", .text(tenant), .text(conversation), .text(sender), .text(messageID), body]
        if let contentType { words += ["TYPE", .text(contentType)] }
        if let clientTime { words += ["CLIENTTIME", .number(clientTime.rawValue)] }
        switch expecting {
        case .nothing: words += ["EXPECT", "NONE"]
        case .last(let position): words += ["EXPECT", .number(position.rawValue)]
        case nil: break
        }
        if let at { words += ["AT", .number(at.rawValue)] }
        return try await position(of: words)
    }

    /// Hides messages from one viewer. Everyone else still sees them.
    public func localDelete(
        tenant: String, conversation: String, viewer: String, messageIDs: [String], at: Instant? = nil
    ) async throws(AnnalsClientError) -> Position {
        var words: [Word] = ["LOCALDELETE", .text(tenant), .text(conversation), .text(viewer), "ID"]
        words += messageIDs.map { .text($0) }
        if let at { words += ["AT", .number(at.rawValue)] }
        return try await position(of: words)
    }

    /// Hides the conversation's history from one viewer, up to and with a position. Everyone else still sees it.
    public func localDelete(
        tenant: String, conversation: String, viewer: String, upTo position: Position, at: Instant? = nil
    ) async throws(AnnalsClientError) -> Position {
        var words: [Word] = [
            "LOCALDELETE", .text(tenant), .text(conversation), .text(viewer), "UPTO", .number(position.rawValue),
        ]
        if let at { words += ["AT", .number(at.rawValue)] }
        return try await self.position(of: words)
    }

    /// What a viewer sees of a conversation, a page at a time; now, or as of a moment in the past.
    /// - Parameter count: how many messages at most; the server's choice when nil.
    public func timeline(
        tenant: String, conversation: String, viewer: String, from start: PageStart = .newest, count: Int? = nil, asOf moment: Moment? = nil
    ) async throws(AnnalsClientError) -> Page {
        var words: [Word] = ["TIMELINE", .text(tenant), .text(conversation), "VIEWER", .text(viewer)]
        switch start {
        case .newest: break
        case .oldest: words += ["AFTER", "-"]
        case .before(let cursor): words += ["BEFORE", .text(cursor.rawValue)]
        case .after(let cursor): words += ["AFTER", .text(cursor.rawValue)]
        }
        if let count { words += ["COUNT", .number(count)] }
        switch moment {
        case .time(let instant): words += ["ASOF", .number(instant.rawValue)]
        case .position(let position): words += ["ASOF", "#\(position)"]
        case nil: break
        }
        return try Page(await call(words))
    }

    private func position(of words: [Word]) async throws(AnnalsClientError) -> Position {
        guard let number = try await call(words).integer else { throw .answerUnexpected("an append is answered with its position") }
        return Position(rawValue: number)
    }
}

import Archive
import Events
import RESP

/// Messages, in the order of keys that the pages give.
extension ReplyWriter {
    mutating func message(_ message: Message) {
        map(count: message.why == nil ? 12 : 13)
        key("position")
        position(message.position)
        key("at")
        instant(message.at)
        key("tenant")
        name(message.tenant)
        key("conversation")
        name(message.conversation)
        key("sender")
        name(message.sender)
        key("id")
        name(message.id)
        key("type")
        bulk(message.contentType.text)
        key("body")
        if let body = message.body { bulk(body) } else { null() }
        key("state")
        bulk(message.state.rawValue)
        key("expires")
        instant(orNull: message.expires)
        key("held")
        boolean(message.isHeld)
        key("receipt")
        position(orNull: message.receipt)
        if let why = message.why {
            key("why")
            explanation(why)
        }
    }

    mutating func page(_ page: TimelinePage) {
        map(count: 4)
        key("messages")
        array(count: page.messages.count)
        for message in page.messages { self.message(message) }
        key("next")
        text(orNull: page.next?.description)
        key("previous")
        text(orNull: page.previous?.description)
        key("position")
        position(page.position)
    }

    mutating func history(_ history: MessageHistory) {
        map(count: 2)
        key("message")
        message(history.message)
        key("events")
        array(count: history.events.count)
        for event in history.events { self.event(event) }
    }
}

extension TimelinePage {
    /// The page without what is beyond `bytesMax` of bodies. Its cursors lead to the rest, as they do to the next page;
    /// one message stays, whatever it weighs.
    func cut(to bytesMax: Int, from start: TimelineQuestion.Start) -> TimelinePage {
        guard messages.count > 1, messages.reduce(0, { $0 + ($1.body?.count ?? 0) }) > bytesMax else { return self }
        var page = self
        switch start {
        case .end, .before:
            page.messages = messages.suffix(Self.fitting(messages.reversed(), bytesMax))
            page.previous = page.messages.first.map { Cursor(at: $0.at, position: $0.position) }
        case .beginning, .after:
            page.messages = Array(messages.prefix(Self.fitting(messages, bytesMax)))
            page.next = page.messages.last.map { Cursor(at: $0.at, position: $0.position) }
        }
        return page
    }

    private static func fitting(_ messages: [Message], _ bytesMax: Int) -> Int {
        var bytes = 0
        for (index, message) in messages.enumerated() {
            bytes += message.body?.count ?? 0
            if bytes > bytesMax { return max(1, index) }
        }
        return messages.count
    }
}

package import Events

/// What a conversation gained by some events.
package struct ConversationGain: Sendable {
    package var key: ConversationKey
    /// The first of the events that are messages; `.last` if none is.
    package var firstMessage: Position
    /// The last of the events.
    package var last: Position
    package var messages: UInt64
    package var bodyBytes: UInt64

    package init(key: ConversationKey, firstMessage: Position, last: Position, messages: UInt64, bodyBytes: UInt64) {
        self.key = key
        self.firstMessage = firstMessage
        self.last = last
        self.messages = messages
        self.bodyBytes = bodyBytes
    }

    package mutating func add(firstMessage: Position, last: Position, messages: UInt64, bodyBytes: UInt64) {
        self.firstMessage = min(self.firstMessage, firstMessage)
        self.last = max(self.last, last)
        self.messages += messages
        self.bodyBytes += bodyBytes
    }
}

extension [ConversationGain] {
    /// As LMDB orders their keys, so that neighbours are written one after the other.
    func inOrder() -> [ConversationGain] { sorted { $0.key.bytes.precedes($1.key.bytes) } }
}

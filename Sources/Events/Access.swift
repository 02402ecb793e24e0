/// Somebody was shown what not everybody sees: written, and on disk, before it was shown.
///
/// No rule: it says nothing about what is kept, and leaves the log with the trail of its own day.
package struct Access: Hashable, Sendable {
    package var question: Question
    /// Of what was shown, as far as the question names them.
    package var conversation: ConversationID?
    package var messageID: MessageID?
    /// From the first to the last of the messages that were shown.
    package var range: ClosedRange<Position>?
    /// So many messages were shown with their bodies.
    package var bodies: UInt64
    /// Why, as the reader said it.
    package var reason: String

    package init(
        _ question: Question, conversation: ConversationID? = nil, messageID: MessageID? = nil, range: ClosedRange<Position>? = nil,
        bodies: UInt64, reason: String
    ) {
        self.question = question
        self.conversation = conversation
        self.messageID = messageID
        self.range = range
        self.bodies = bodies
        self.reason = reason
    }

    /// What was asked. A number never gets a second meaning.
    package enum Question: UInt8, Sendable, CaseIterable {
        case messageHistory = 1
        case timeline = 2
        /// As of a moment, with a body that not everybody may read any more.
        case message = 3

        /// On the wire and in the pages.
        package var word: String {
            switch self {
            case .messageHistory: "message-history"
            case .timeline: "timeline"
            case .message: "message"
            }
        }
    }

    package static let reasonBytesMax = 1024
}

extension Access {
    func write(into writer: inout TrailWriter) {
        precondition(!reason.isEmpty, "a reading has a reason because it is asked for at the door")
        precondition(bodies <= Int64.max, "counts are below 2^63 because they are counted with")
        writer.byte(question.rawValue)
        writer.byte(
            (conversation == nil ? 0 : Parts.conversation) | (messageID == nil ? 0 : Parts.messageID) | (range == nil ? 0 : Parts.range))
        if let conversation { writer.text(conversation.utf8) }
        if let messageID { writer.text(messageID.utf8) }
        if let range {
            writer.varint(range.lowerBound.rawValue)
            writer.varint(range.upperBound.rawValue)
        }
        writer.varint(bodies)
        writer.prose(reason, bytesMax: Self.reasonBytesMax)
    }

    init(decoding reader: inout TrailReader) throws(TrailFault) {
        guard let question = Question(rawValue: try reader.byte()) else { throw .malformed("question") }
        let parts = try reader.byte()
        guard parts & ~Parts.known == 0 else { throw .malformed("parts") }
        self.init(
            question,
            conversation: parts & Parts.conversation == 0 ? nil : try reader.name(NameOf.Conversation.self),
            messageID: parts & Parts.messageID == 0 ? nil : try reader.name(NameOf.Message.self),
            range: parts & Parts.range == 0 ? nil : try Self.range(from: &reader),
            bodies: try reader.count("number of bodies"), reason: try reader.prose("reason", bytes: 1...Self.reasonBytesMax))
        try reader.end()
    }

    private static func range(from reader: inout TrailReader) throws(TrailFault) -> ClosedRange<Position> {
        let (first, last) = (try reader.position("first position"), try reader.position("last position"))
        guard first <= last else { throw .malformed("range") }
        return first...last
    }

    /// Bits of the record's second byte: what there is of it.
    private enum Parts {
        static let conversation: UInt8 = 1
        static let messageID: UInt8 = 2
        static let range: UInt8 = 4
        static let known: UInt8 = conversation | messageID | range
    }
}

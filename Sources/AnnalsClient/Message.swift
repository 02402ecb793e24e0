import RESP

extension AnnalsClient {
    /// An event's place in the log: 1, 2, 3, …
    public struct Position: RawRepresentable, Sendable, Hashable, Comparable, CustomStringConvertible {
        /// The number.
        public let rawValue: Int

        /// The place of that number.
        public init(rawValue: Int) { self.rawValue = rawValue }

        /// The number in decimal.
        public var description: String { "\(rawValue)" }

        /// Earlier in the log.
        public static func < (one: Position, other: Position) -> Bool { one.rawValue < other.rawValue }
    }

    /// A moment: milliseconds since 1970, UTC.
    public struct Instant: RawRepresentable, Sendable, Hashable, Comparable, CustomStringConvertible {
        /// Milliseconds since 1970, UTC.
        public let rawValue: Int

        /// That many milliseconds after 1970 began, UTC.
        public init(rawValue: Int) { self.rawValue = rawValue }

        /// The milliseconds in decimal.
        public var description: String { "\(rawValue)" }

        /// Earlier in time.
        public static func < (one: Instant, other: Instant) -> Bool { one.rawValue < other.rawValue }
    }

    /// What a viewer, or an auditor, is shown of a message.
    public struct Message: Sendable, Hashable {
        /// What has become of a message, for the viewer who asks and at the moment that is asked about.
        public enum State: String, Sendable {
            case unknown, purged, expired, hidden, visible
        }

        /// Where its `send` is in the log.
        public var position: Position
        /// When it was sent, by the server's clock.
        public var at: Instant
        /// The company that it belongs to.
        public var tenant: String
        /// The conversation that it was sent to.
        public var conversation: String
        /// Who sent it.
        public var sender: String
        /// Its id, unique in its tenant.
        public var id: String
        /// The media type of the body.
        public var contentType: String
        /// The content; nil unless it may be read.
        public var body: [UInt8]?
        /// What has become of it.
        public var state: State
        /// When its period ends; nil when it never does.
        public var expires: Instant?
        /// Whether a legal hold keeps it.
        public var isHeld: Bool
        /// The receipt of the purge that destroyed it.
        public var receipt: Position?
    }

    /// A piece of a timeline, in order of (at, position).
    public struct Page: Sendable, Hashable {
        /// The visible messages, oldest first.
        public var messages: [Message]
        /// Where newer messages go on; nil at the newest.
        public var next: Cursor?
        /// Where older messages go on; nil at the oldest.
        public var previous: Cursor?
        /// The log's end that the page was read at.
        public var position: Position
    }

    /// A place between two messages of a timeline. Text that the server gives; it stays good for ever.
    public struct Cursor: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
        /// The text.
        public let rawValue: String

        /// The place that the text means.
        public init(rawValue: String) { self.rawValue = rawValue }

        /// The text.
        public var description: String { rawValue }
    }
}

extension AnnalsClient.Message {
    /// Reads a message out of an answer. Throws `answerUnexpected` when it is none.
    public init(_ answer: RESPValue) throws(AnnalsClientError) {
        position = .init(rawValue: try answer.integer(under: "position"))
        at = .init(rawValue: try answer.integer(under: "at"))
        tenant = try answer.text(under: "tenant")
        conversation = try answer.text(under: "conversation")
        sender = try answer.text(under: "sender")
        id = try answer.text(under: "id")
        contentType = try answer.text(under: "type")
        body = answer["body"]?.bytes
        guard let state = State(rawValue: try answer.text(under: "state")) else {
            throw .answerUnexpected("the message \(id) has a state that this client does not know")
        }
        self.state = state
        expires = answer["expires"]?.integer.map { .init(rawValue: $0) }
        isHeld = answer["held"]?.boolean ?? false
        receipt = answer["receipt"]?.integer.map { .init(rawValue: $0) }
    }
}

extension AnnalsClient.Page {
    /// Reads a page out of an answer. Throws `answerUnexpected` when it is none.
    public init(_ answer: RESPValue) throws(AnnalsClientError) {
        guard let values = answer["messages"]?.array else { throw .answerUnexpected("a page has no messages") }
        messages = []
        messages.reserveCapacity(values.count)
        for value in values { messages.append(try AnnalsClient.Message(value)) }
        next = answer["next"]?.string.map { .init(rawValue: $0) }
        previous = answer["previous"]?.string.map { .init(rawValue: $0) }
        position = .init(rawValue: try answer.integer(under: "position"))
    }
}

extension RESPValue {
    /// Content never reaches an error: only the name of what is missing does.
    fileprivate func integer(under key: String) throws(AnnalsClientError) -> Int {
        guard let value = self[key]?.integer else { throw .answerUnexpected("no number under \"\(key)\"") }
        return value
    }

    fileprivate func text(under key: String) throws(AnnalsClientError) -> String {
        guard let value = self[key]?.string else { throw .answerUnexpected("no text under \"\(key)\"") }
        return value
    }
}

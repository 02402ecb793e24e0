package import Events
package import LMDB

/// The indexes of one partition, in its own file and written in the transaction of its records:
///
/// - `ids`: fingerprint of the message id, position → nothing; and so for a reading of a message, under another fingerprint
/// - `timeline`: fingerprint of the conversation, at, position → nothing
/// - `counts`: tenant, conversation → messages, body bytes
/// - `holdings`: key, tenant, conversation, sender → messages, body bytes, first and last time: what is present, and
///   under which key it is sealed
///
/// An index is a set of keys: what it says is checked against the trail record, since fingerprints may meet.
package struct PartitionIndex: Sendable {
    package static let tableNames = ["ids", "timeline", "counts", "holdings"]

    let path: String
    let ids: Table
    let timeline: Table
    let counts: Table
    let holdings: Table

    package init(in environment: Environment) {
        path = environment.path
        ids = environment.table(named: "ids")
        timeline = environment.table(named: "timeline")
        counts = environment.table(named: "counts")
        holdings = environment.table(named: "holdings")
    }

    /// The tables, by name, in the order in which a digest goes through them. `holdings` is none of them: what an event means stays, and
    /// what is present of it does not.
    package var tables: [(name: String, table: Table)] { [("ids", ids), ("timeline", timeline), ("counts", counts)] }

    /// A message, or a reading of one, as the indexes see it.
    package struct Row: Sendable {
        package var message: Fingerprint
        /// Nil for a reading, which has no place in a timeline.
        package var conversation: Fingerprint?
        package var at: Instant
        package var position: Position

        package init(message: Fingerprint, conversation: Fingerprint?, at: Instant, position: Position) {
            self.message = message
            self.conversation = conversation
            self.at = at
            self.position = position
        }
    }

    /// What a conversation gained.
    package struct Gain: Sendable {
        package var tenant: TenantID
        package var conversation: ConversationID
        package var messages: UInt64
        package var bodyBytes: UInt64

        package init(tenant: TenantID, conversation: ConversationID, messages: UInt64, bodyBytes: UInt64) {
            self.tenant = tenant
            self.conversation = conversation
            self.messages = messages
            self.bodyBytes = bodyBytes
        }
    }

    /// Adds messages and readings. Sorted by key before they are put, because neighbours in a batch then share pages.
    package func add(_ rows: [Row], _ gains: [Gain], _ transaction: inout WriteTransaction) throws(ProjectionFailure) {
        var byID = rows.map { IDKey(fingerprint: $0.message, position: $0.position) }
        byID.sort { ($0.fingerprint, $0.position) < ($1.fingerprint, $1.position) }
        var byTime = rows.compactMap(\.timelineKey)
        byTime.sort { ($0.fingerprint, $0.at, $0.position) < ($1.fingerprint, $1.at, $1.position) }
        do {
            let nothing = RawSpan()
            for key in byID { try transaction.put(nothing, for: key.words.span.bytes, in: ids) }
            for key in byTime { try transaction.put(nothing, for: key.words.span.bytes, in: timeline) }
        } catch { throw .store(error) }
        for gain in gains { try add(gain, &transaction) }
    }

    private func add(_ gain: Gain, _ transaction: inout WriteTransaction) throws(ProjectionFailure) {
        let key = NamedKey(gain.tenant, gain.conversation)
        let before = try count(key, transaction.reader)
        let after: Words<2> = [
            (before.messages + gain.messages).bigEndian, (before.bodyBytes + gain.bodyBytes).bigEndian,
        ]
        do { try transaction.put(after.span.bytes, for: key.bytes.span.bytes, in: counts) } catch { throw .store(error) }
    }

    private func count(_ key: NamedKey, _ reader: Reader) throws(ProjectionFailure) -> (messages: UInt64, bodyBytes: UInt64) {
        let found = try onStore { () throws(LMDBError) in
            try reader.lend(key.bytes.span.bytes, in: counts) { value in (value.word(0), value.word(1)) }
        }
        switch found {
        case nil: return (0, 0)
        case (let messages?, let bodyBytes?)? where max(messages, bodyBytes) <= Int64.max: return (messages, bodyBytes)
        default: throw .damaged(path: path, table: "counts")
        }
    }

    /// Empties all indexes, to be built anew.
    package func clear(_ transaction: inout WriteTransaction) throws(LMDBError) {
        try transaction.clear(ids)
        try transaction.clear(timeline)
        try transaction.clear(counts)
        try transaction.clear(holdings)
    }

    /// Where messages of an id's fingerprint, or readings of them, are, in order of position.
    package func positions(of message: Fingerprint, _ reader: Reader) throws(LMDBError) -> [Position] {
        var cursor = try reader.cursor(in: ids)
        let start: Words<1> = [message.rawValue.bigEndian]
        var found: [Position] = []
        var isThere = try cursor.seek(atLeast: start.span.bytes)
        while isThere, cursor.key.word(0) == message.rawValue {
            if let position = cursor.key.word(1) { found.append(Position(position)) }
            isThere = try cursor.next()
        }
        return found
    }

    /// Calls `body` with the fingerprint of every message id, and of every reading.
    package func forEachMessage(_ reader: Reader, _ body: (Fingerprint) -> Void) throws(LMDBError) {
        var cursor = try reader.cursor(in: ids)
        while try cursor.next() {
            if let word = cursor.key.word(0) { body(Fingerprint(word)) }
        }
    }

    /// A filter of all message ids and readings, and how many they are.
    package func filter(_ reader: Reader) throws(LMDBError) -> (filter: PartitionFilter, count: Int) {
        let count = try reader.count(of: ids)
        var filter = PartitionFilter(count: count)
        try forEachMessage(reader) { filter.insert($0) }
        return (filter, count)
    }

    /// A place in a timeline.
    package struct Place: Hashable, Comparable, Sendable {
        package var at: Instant
        package var position: Position

        package init(at: Instant, position: Position) {
            self.at = at
            self.position = position
        }

        package static func < (left: Place, right: Place) -> Bool { (left.at, left.position) < (right.at, right.position) }
    }

    /// Up to `limit` places right after `place`, ascending.
    package func places(
        of conversation: Fingerprint, after place: Place, limit: Int, _ reader: Reader
    ) throws(LMDBError) -> [Place] {
        var cursor = try reader.cursor(in: timeline)
        let start = TimelineKey(fingerprint: conversation, at: place.at, position: place.position).words
        var isThere = try cursor.seek(atLeast: start.span.bytes)
        var found: [Place] = []
        while isThere, found.count < limit, cursor.key.word(0) == conversation.rawValue {
            if let here = Self.place(cursor.key), here != place { found.append(here) }
            isThere = try cursor.next()
        }
        return found
    }

    /// Up to `limit` places right before `place`, descending.
    package func places(
        of conversation: Fingerprint, before place: Place, limit: Int, _ reader: Reader
    ) throws(LMDBError) -> [Place] {
        var cursor = try reader.cursor(in: timeline)
        let start = TimelineKey(fingerprint: conversation, at: place.at, position: place.position).words
        var isThere = try cursor.seek(below: start.span.bytes)
        var found: [Place] = []
        while isThere, found.count < limit, cursor.key.word(0) == conversation.rawValue {
            if let here = Self.place(cursor.key) { found.append(here) }
            isThere = try cursor.previous()
        }
        return found
    }

    /// The first of a conversation's messages in the order of the log, which need not be that of their times.
    package func earliest(of conversation: Fingerprint, _ reader: Reader) throws(LMDBError) -> Position? {
        var cursor = try reader.cursor(in: timeline)
        let start: Words<1> = [conversation.rawValue.bigEndian]
        var isThere = try cursor.seek(atLeast: start.span.bytes)
        var earliest: Position?
        while isThere, cursor.key.word(0) == conversation.rawValue {
            if let here = Self.place(cursor.key)?.position { earliest = min(earliest ?? here, here) }
            isThere = try cursor.next()
        }
        return earliest
    }

    private static func place(_ key: RawSpan) -> Place? {
        guard let at = key.word(1), let position = key.word(2) else { return nil }
        return Place(at: Instant(milliseconds: Int64(bitPattern: at)), position: Position(position))
    }
}

extension PartitionIndex.Row {
    var timelineKey: TimelineKey? { conversation.map { TimelineKey(fingerprint: $0, at: at, position: position) } }
}

struct IDKey {
    var fingerprint: Fingerprint
    var position: Position

    var words: Words<2> { [fingerprint.rawValue.bigEndian, position.rawValue.bigEndian] }
}

struct TimelineKey {
    var fingerprint: Fingerprint
    var at: Instant
    var position: Position

    var words: Words<3> {
        [fingerprint.rawValue.bigEndian, UInt64(bitPattern: at.milliseconds).bigEndian, position.rawValue.bigEndian]
    }
}

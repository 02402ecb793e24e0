package import Events
package import LMDB

/// The indexes of one partition, in its own file and written in the transaction of its records:
///
/// - `ids`: runs of (fingerprint of the message id, position); and so for a reading of a message, under another fingerprint
/// - `timeline`: runs of (fingerprint of the conversation, at, position)
/// - `counts`: tenant, conversation → messages, body bytes
/// - `holdings`: runs of key, tenant, conversation, sender → messages, body bytes, first and last time: what is present, and
///   under which key it is sealed
///
/// An index is a set of keys: what it says is checked against the trail record, since fingerprints may meet.
package struct PartitionIndex: Sendable {
    package static let tableNames = ["ids", "timeline", "counts", "holdings"]

    let path: String
    let ids: Runs<2>
    let timeline: Runs<3>
    let counts: Table
    let holdings: HoldingRuns

    package init(in environment: Environment) {
        path = environment.path
        ids = Runs("ids", in: environment)
        timeline = Runs("timeline", in: environment)
        counts = environment.table(named: "counts")
        holdings = HoldingRuns(in: environment)
    }

    /// Calls `body` with all rows of a table in the order of their keys, in whatever runs they lie: how a digest goes through them.
    /// `holdings` is none of these tables: what an event means stays, and what is present of it does not.
    ///
    /// - Parameter begin: is told each table's name and how many rows it has, before them.
    package func forEachRow(
        _ reader: Reader, begin: (String, Int) -> Void, _ body: (_ key: RawSpan, _ value: RawSpan) -> Void
    ) throws(ProjectionFailure) {
        let nothing = RawSpan()
        begin("ids", try ids.count(reader))
        try ids.forEachInOrder(reader) { row in
            let words: Words<2> = [row[0].bigEndian, row[1].bigEndian]
            body(words.span.bytes, nothing)
        }
        begin("timeline", try timeline.count(reader))
        try timeline.forEachInOrder(reader) { row in
            let words: Words<3> = [row[0].bigEndian, row[1].bigEndian, row[2].bigEndian]
            body(words.span.bytes, nothing)
        }
        try onStore { () throws(LMDBError) in
            begin("counts", try reader.count(of: counts))
            var cursor = try reader.cursor(in: counts)
            while try cursor.next() { body(cursor.key, cursor.value) }
        }
    }

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

    /// Adds messages and readings.
    package func add(_ rows: [Row], _ gains: [ConversationGain], _ transaction: inout WriteTransaction) throws(ProjectionFailure) {
        let byID = rows.map { IDKey(fingerprint: $0.message, position: $0.position) }
            .sorted { ($0.fingerprint, $0.position) < ($1.fingerprint, $1.position) }
        try ids.add(byID.map(\.row), &transaction)
        let byTime = rows.compactMap(\.timelineKey)
            .sorted { ($0.fingerprint, $0.at, $0.position) < ($1.fingerprint, $1.at, $1.position) }
        try timeline.add(byTime.map(\.row), &transaction)
        try addCounts(gains.filter { $0.messages > 0 }.inOrder(), &transaction)
    }

    private func addCounts(_ gains: [ConversationGain], _ transaction: inout WriteTransaction) throws(ProjectionFailure) {
        var isSound = true
        try onStore { () throws(LMDBError) in
            try transaction.amend(gains.count, in: counts) {
                gains[$0].key.bytes
            } value: { index, before -> Words<2>? in
                let (messages, bodyBytes) = (gains[index].messages, gains[index].bodyBytes)
                guard let before else { return [messages.bigEndian, bodyBytes.bigEndian] }
                guard let (hadMessages, hadBytes) = before.twoCounts else {
                    isSound = false
                    return nil
                }
                return [(hadMessages + messages).bigEndian, (hadBytes + bodyBytes).bigEndian]
            }
        }
        guard isSound else { throw .damaged(path: path, table: "counts") }
    }

    /// Empties all indexes, to be built anew.
    package func clear(_ transaction: inout WriteTransaction) throws(LMDBError) {
        try transaction.clear(ids.table)
        try transaction.clear(timeline.table)
        try transaction.clear(counts)
        try transaction.clear(holdings.table)
    }

    /// Where messages of an id's fingerprint, or readings of them, are, in order of position.
    package func positions(of message: Fingerprint, _ reader: Reader) throws(ProjectionFailure) -> [Position] {
        let start = IDKey(fingerprint: message, position: .none).row
        return try ids.rows(from: start, limit: .max, reader).map { Position($0[1]) }
    }

    /// Calls `body` with the fingerprint of every message id, and of every reading.
    package func forEachMessage(_ reader: Reader, _ body: (Fingerprint) -> Void) throws(ProjectionFailure) {
        try ids.forEach(reader) { body(Fingerprint($0[0])) }
    }

    /// How many message ids and readings it has.
    package func count(_ reader: Reader) throws(ProjectionFailure) -> Int { try ids.count(reader) }

    /// A filter of all message ids and readings, and how many they are.
    package func filter(_ reader: Reader) throws(ProjectionFailure) -> (filter: PartitionFilter, count: Int) {
        let count = try ids.count(reader)
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

    /// Up to `limit` places after `place`, ascending: the next ones whose messages are in the log up to `end`.
    package func places(
        of conversation: Fingerprint, after place: Place, through end: Position, limit: Int, _ reader: Reader
    ) throws(ProjectionFailure) -> [Place] {
        let start = TimelineKey(fingerprint: conversation, at: place.at, position: place.position).row
        let limitWithOwn = limit &+ (limit < .max ? 1 : 0)
        let found = try timeline.rows(from: start, limit: limitWithOwn, where: { $0[2] <= end.rawValue }, reader).map(Place.init)
        return Array(found.drop { $0 == place }.prefix(limit))
    }

    /// Up to `limit` places before `place`, descending: the next ones whose messages are in the log up to `end`.
    package func places(
        of conversation: Fingerprint, before place: Place, through end: Position, limit: Int, _ reader: Reader
    ) throws(ProjectionFailure) -> [Place] {
        let start = TimelineKey(fingerprint: conversation, at: place.at, position: place.position).row
        return try timeline.rows(before: start, limit: limit, where: { $0[2] <= end.rawValue }, reader).map(Place.init)
    }

    /// The first of a conversation's messages in the order of the log, which need not be that of their times.
    package func earliest(of conversation: Fingerprint, _ reader: Reader) throws(ProjectionFailure) -> Position? {
        let start: Runs<3>.Row = [conversation.rawValue, 0, 0]
        var earliest: UInt64?
        try timeline.visit(from: start, reader) { row in earliest = min(earliest ?? row[2], row[2]) }
        return earliest.map { Position($0) }
    }
}

extension PartitionIndex.Place {
    fileprivate init(_ row: Runs<3>.Row) {
        self.init(at: Instant(milliseconds: Int64(bitPattern: row[1])), position: Position(row[2]))
    }
}

extension PartitionIndex.Row {
    var timelineKey: TimelineKey? { conversation.map { TimelineKey(fingerprint: $0, at: at, position: position) } }
}

struct IDKey {
    var fingerprint: Fingerprint
    var position: Position

    var row: Runs<2>.Row { [fingerprint.rawValue, position.rawValue] }
}

struct TimelineKey {
    var fingerprint: Fingerprint
    var at: Instant
    var position: Position

    var row: Runs<3>.Row { [fingerprint.rawValue, UInt64(bitPattern: at.milliseconds), position.rawValue] }
}

package import Events
package import LMDB

/// `state.mdb`: the small projections, and how far they have come.
///
/// Tables: `meta` (one row: version, last position applied, server's time of it, messages and body bytes of the log), `policies` (position → trail record
/// of the change), those of `LocalDeletes` and of `Conversations`, and those that others keep in the same file.
package struct StateFile: Sendable {
    package let environment: Environment
    package let deletes: LocalDeletes
    package let conversations: Conversations
    private let meta: Table
    private let policies: Table

    private static let progressKey: Words<1> = [0]

    /// - Parameter others: tables that other rooms keep in the same file.
    package init(opening path: String, others: [String], options: Environment.Options) throws(LMDBError) {
        let own = ["meta", "policies"] + LocalDeletes.tableNames + Conversations.tableNames
        environment = try Environment(opening: path, tables: own + others, options: options)
        meta = environment.table(named: "meta")
        policies = environment.table(named: "policies")
        deletes = LocalDeletes(in: environment)
        conversations = Conversations(in: environment)
    }

    /// The tables that hold what events mean, in the order in which a digest goes through them.
    package var tables: [(name: String, table: Table)] {
        (["policies"] + LocalDeletes.tableNames + Conversations.tableNames).map { ($0, environment.table(named: $0)) }
    }

    /// How far the projections have come.
    package struct Progress: Hashable, Sendable {
        /// All events up to here are applied. Also what keeps the last position from ever being given out again.
        package var position: Position
        /// The server's time of that event: the next one's is not earlier.
        package var recorded: Instant
        /// Of the whole log.
        package var messages: UInt64
        package var bodyBytes: UInt64

        package init(position: Position, recorded: Instant, messages: UInt64, bodyBytes: UInt64) {
            self.position = position
            self.recorded = recorded
            self.messages = messages
            self.bodyBytes = bodyBytes
        }
    }

    package func progress(_ reader: Reader) throws(ProjectionFailure) -> Progress? {
        let found = try onStore { () throws(LMDBError) in
            try reader.lend(Self.progressKey.span.bytes, in: meta) { Progress(decoding: $0) }
        }
        guard let found else { return nil }
        guard let progress = found else { throw .damaged(path: environment.path, table: "meta") }
        return progress
    }

    package func write(_ progress: Progress, _ transaction: inout WriteTransaction) throws(LMDBError) {
        try transaction.put(progress.words.span.bytes, for: Self.progressKey.span.bytes, in: meta)
    }

    /// Keeps a retention change.
    package func keepPolicy(_ record: [UInt8], at position: Position, _ transaction: inout WriteTransaction) throws(LMDBError) {
        let key: Words<1> = [position.rawValue.bigEndian]
        try transaction.put(record.span.bytes, for: key.span.bytes, in: policies)
    }

    /// All retention changes, as a book.
    package func policyBook(_ reader: Reader) throws(ProjectionFailure) -> PolicyBook {
        var book = PolicyBook()
        let records = try onStore { () throws(LMDBError) in
            var cursor = try reader.cursor(in: policies)
            var records: [[UInt8]] = []
            while try cursor.next() { records.append(cursor.value.withUnsafeBytes { [UInt8]($0) }) }
            return records
        }
        for record in records {
            let event: Event
            do { event = try Event(decoding: record) } catch { throw .damaged(path: environment.path, table: "policies") }
            guard case .retentionChange(let change) = event.deed else {
                throw .damaged(path: environment.path, table: "policies")
            }
            book.record(change, position: event.position, at: event.at)
        }
        return book
    }
}

extension StateFile.Progress {
    private static let version: UInt64 = 1

    fileprivate var words: Words<5> {
        [
            Self.version.bigEndian, position.rawValue.bigEndian, UInt64(bitPattern: recorded.milliseconds).bigEndian,
            messages.bigEndian, bodyBytes.bigEndian,
        ]
    }

    fileprivate init?(decoding value: RawSpan) {
        guard value.byteCount == 40, value.word(0) == Self.version, let position = value.word(1), let recorded = value.instant(2),
            let messages = value.word(3), let bodyBytes = value.word(4), max(position, messages, bodyBytes) <= Int64.max
        else { return nil }
        self.init(position: Position(position), recorded: recorded, messages: messages, bodyBytes: bodyBytes)
    }
}

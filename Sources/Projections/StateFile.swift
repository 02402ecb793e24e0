package import Events
package import LMDB

/// `state.mdb`: the small projections, and how far they have come.
///
/// Tables: `meta` (one row: version, last position applied, server's time of it, messages and body bytes of the log), those of
/// `RuleTables`, of `LocalDeletes` and of `Conversations`, `keys` (key id → partition), `removed` (partition → digest of its
/// tombstone), and those that others keep in the same file.
package struct StateFile: Sendable {
    package let environment: Environment
    package let deletes: LocalDeletes
    package let conversations: Conversations
    private let meta: Table
    private let rules: RuleTables
    private let keys: Table
    let removed: Table

    private static let progressKey: Words<1> = [0]

    /// - Parameter others: tables that other rooms keep in the same file.
    package init(opening path: String, others: [String], options: Environment.Options) throws(LMDBError) {
        let own = ["meta", "keys", "removed"] + RuleTables.names + LocalDeletes.tableNames + Conversations.tableNames
        if options.access == .create { try Environment.make(path, by: path + ".new", tables: own + others, options: options) }
        environment = try Environment(opening: path, tables: own + others, options: options)
        meta = environment.table(named: "meta")
        keys = environment.table(named: "keys")
        removed = environment.table(named: "removed")
        rules = RuleTables(in: environment)
        deletes = LocalDeletes(in: environment)
        conversations = Conversations(in: environment)
    }

    /// The tables that hold what events mean, in the order in which a digest goes through them. `keys` is none of them: which keys there
    /// are, an event does not say.
    package var tables: [(name: String, table: Table)] {
        (RuleTables.names + LocalDeletes.tableNames + Conversations.tableNames).map { ($0, environment.table(named: $0)) }
    }

    /// The same, and what else the log says of itself: all that a state worked out anew must have alike.
    package var toldTables: [(name: String, table: Table)] { tables + [("removed", removed), ("meta", meta)] }

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

    /// Keeps the record of a rule. Of what kind it is says in which table.
    package func keepRule(
        _ record: [UInt8], kind: EventKind, at position: Position, _ transaction: inout WriteTransaction
    ) throws(LMDBError) {
        try rules.keep(record, kind: kind, at: position, &transaction)
    }

    /// All rules, as a book.
    package func ruleBook(_ reader: Reader) throws(ProjectionFailure) -> RuleBook { try rules.book(reader) }

    /// The events of all rules, in order of position.
    package func ruleEvents(_ reader: Reader) throws(ProjectionFailure) -> [Event] { try rules.events(reader) }

    /// All purges' intents whole, with the keys that a book does not keep.
    package func intents(_ reader: Reader) throws(ProjectionFailure) -> [(position: Position, intent: PurgeIntent)] {
        try rules.intents(reader)
    }
}

/// Which partition's bodies are sealed under which key.
extension StateFile {
    package func noteKey(_ id: UInt64, partition: Int32, _ transaction: inout WriteTransaction) throws(LMDBError) {
        let key: Words<1> = [id.bigEndian]
        // Looking first leaves the page clean in the common case, where the note is there.
        if try transaction.contains(key.span.bytes, in: keys) { return }
        let value: Words<1> = [UInt64(UInt32(bitPattern: partition)).bigEndian]
        try transaction.put(value.span.bytes, for: key.span.bytes, in: keys)
    }

    package func forgetKey(_ id: UInt64, _ transaction: inout WriteTransaction) throws(LMDBError) {
        let key: Words<1> = [id.bigEndian]
        _ = try transaction.delete(key.span.bytes, in: keys)
    }

    /// Ascending by key.
    package func keys(_ reader: Reader) throws(ProjectionFailure) -> [(key: UInt64, partition: Int32)] {
        let found = try onStore { () throws(LMDBError) in
            var cursor = try reader.cursor(in: keys)
            var found: [(UInt64?, UInt64?)] = []
            while try cursor.next() {
                let isRow = cursor.key.byteCount == 8 && cursor.value.byteCount == 8
                found.append(isRow ? (cursor.key.word(0), cursor.value.word(0)) : (nil, nil))
            }
            return found
        }
        var all: [(key: UInt64, partition: Int32)] = []
        for case (let key, let partition) in found {
            guard let key, let partition = partition.flatMap({ UInt32(exactly: $0) }) else {
                throw .damaged(path: environment.path, table: "keys")
            }
            all.append((key, Int32(bitPattern: partition)))
        }
        return all
    }
}

extension StateFile.Progress {
    private static let version: UInt64 = 2

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

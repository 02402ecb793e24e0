import Events
import LMDB

/// The records of rules, whole: three tables of the state file, each position → trail record.
///
/// - `policies`: retention changes and their cancels
/// - `holds`: holds placed and released
/// - `purges`: intents and receipts, what was said about the clock, and which partitions were removed
struct RuleTables: Sendable {
    static let names = ["policies", "holds", "purges"]
    private let policies: Table
    private let holds: Table
    private let purges: Table
    private let path: String

    init(in environment: Environment) {
        policies = environment.table(named: "policies")
        holds = environment.table(named: "holds")
        purges = environment.table(named: "purges")
        path = environment.path
    }

    func keep(
        _ record: [UInt8], kind: EventKind, at position: Position, _ transaction: inout WriteTransaction
    ) throws(LMDBError) {
        guard let home = home(of: kind) else { preconditionFailure("only rules are kept here because all else is elsewhere") }
        let key: Words<1> = [position.rawValue.bigEndian]
        try transaction.put(record.span.bytes, for: key.span.bytes, in: home.table)
    }

    /// All of them in order of position.
    func events(_ reader: Reader) throws(ProjectionFailure) -> [Event] {
        var events: [Event] = []
        for (name, table) in [("policies", policies), ("holds", holds), ("purges", purges)] {
            events += try self.events(of: table, named: name, reader)
        }
        return events.sorted { $0.position < $1.position }
    }

    /// The same, as a book.
    func book(_ reader: Reader) throws(ProjectionFailure) -> RuleBook {
        var book = RuleBook()
        for event in try events(reader) { book.apply(event) }
        return book
    }

    /// All intents, in order of position.
    func intents(_ reader: Reader) throws(ProjectionFailure) -> [(position: Position, intent: PurgeIntent)] {
        try events(of: purges, named: "purges", reader).compactMap { event in
            if case .purgeIntent(let intent) = event.deed { (event.position, intent) } else { nil }
        }
    }

    private func events(of table: Table, named name: String, _ reader: Reader) throws(ProjectionFailure) -> [Event] {
        let rows = try onStore { () throws(LMDBError) in
            var cursor = try reader.cursor(in: table)
            var rows: [(position: UInt64?, record: [UInt8])] = []
            while try cursor.next() { rows.append((cursor.key.word(0), cursor.value.withUnsafeBytes { [UInt8]($0) })) }
            return rows
        }
        var events: [Event] = []
        for (position, record) in rows {
            let event: Event
            do { event = try Event(decoding: record) } catch { throw .damaged(path: path, table: name) }
            guard event.position.rawValue == position, home(of: event.kind)?.name == name else { throw .damaged(path: path, table: name) }
            events.append(event)
        }
        return events
    }

    private func home(of kind: EventKind) -> (name: String, table: Table)? {
        switch kind {
        case .send, .localDelete, .access: nil
        case .retentionChange, .retentionCancel: ("policies", policies)
        case .holdPlace, .holdRelease: ("holds", holds)
        case .purgeIntent, .purge, .clockConfirm, .partitionRemove: ("purges", purges)
        }
    }
}

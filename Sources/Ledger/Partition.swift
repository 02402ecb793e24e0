package import Events
package import LMDB
import Synchronization

/// One slice of time of the log: one LMDB file.
///
/// Tables of the log itself: `trail` (position → trail record), `bodies` (position → stored body, none for events without)
/// and `meta` (one row, `PartitionTotals`; in a copy that is not finished also a `CopyNote`). Indexes stand beside them in
/// tables that the ledger only opens and copies.
package final class Partition: Sendable {
    package let id: PartitionID
    package let environment: Environment
    package let trail: Table
    package let bodies: Table
    let meta: Table
    /// The names of all its tables.
    let tableNames: [String]
    private let replaced = Atomic(false)

    private static let ownTableNames = ["trail", "bodies", "meta"]
    private static let totalsKey: Words<1> = [UInt64(0)]

    init(id: PartitionID, opening path: String, indexes: [String], options: Environment.Options) throws(LMDBError) {
        self.id = id
        tableNames = Self.ownTableNames + indexes
        environment = try Environment(opening: path, tables: tableNames, options: options)
        trail = environment.table(named: "trail")
        bodies = environment.table(named: "bodies")
        meta = environment.table(named: "meta")
    }

    /// Makes the files of a new partition by way of what would be its copy, which the next start removes if nothing came of it.
    static func make(_ files: PartitionFiles, indexes: [String], options: Environment.Options) throws(LMDBError) {
        try Environment.make(files.data, by: files.copy, tables: ownTableNames + indexes, options: options)
    }

    /// The partition's own summary; nil before its first fold.
    package func totals(_ reader: Reader) throws(LedgerFailure) -> PartitionTotals? {
        do {
            guard let value = try reader.value(of: Self.totalsKey.span.bytes, in: meta) else { return nil }
            if let totals = PartitionTotals(decoding: value) { return totals }
        } catch {
            throw .store(error)
        }
        throw damagedTotals
    }

    /// Whether there are rows beside the summary that nobody wrote.
    package func hasStrangeSummary(_ reader: Reader) throws(LedgerFailure) -> Bool {
        try onStore { () throws(LMDBError) in
            let isThere = try reader.contains(Self.totalsKey.span.bytes, in: meta)
            return try reader.count(of: meta) > (isThere ? 1 : 0)
        }
    }

    /// The totals and the number of bodies, both as of one moment.
    @available(*, noasync, message: "looks through a snapshot: call it in a synchronous function")
    package func totalsAndBodies() throws(LedgerFailure) -> (totals: PartitionTotals?, bodies: Int) {
        let (found, count) = try onStore { () throws(LMDBError) in
            let environment = environment
            let snapshot = try environment.snapshot()
            let totals = try snapshot.reader.lend(Self.totalsKey.span.bytes, in: meta) { PartitionTotals(decoding: $0) }
            return (totals, try snapshot.count(of: bodies))
        }
        guard let found else { return (nil, count) }
        guard let totals = found else { throw damagedTotals }
        return (totals, count)
    }

    private var damagedTotals: LedgerFailure {
        .damaged(path: environment.path, table: "meta", reason: "the totals make no sense")
    }

    /// The runs of its positions, ascending, by the keys of its own trail.
    package func runs(_ reader: Reader) throws(LedgerFailure) -> [Extent] {
        let found: [Extent]? = try onStore { () throws(LMDBError) in
            var runs: [Extent] = []
            var cursor = try reader.cursor(in: trail)
            while try cursor.next() {
                // A position can be counted on from, since no arithmetic may trap on what a disk says.
                guard let word = cursor.key.word(0), word > 0, word <= Int64.max else { return nil }
                let position = Position(word)
                if let run = runs.last, run.last.next == position {
                    runs[runs.count - 1].last = position
                } else {
                    runs.append(Extent(first: position, last: position, partition: id))
                }
            }
            return runs
        }
        guard let found else { throw .damaged(path: environment.path, table: "trail", reason: "a key makes no sense") }
        return found
    }

    package func write(_ totals: PartitionTotals, _ transaction: inout WriteTransaction) throws(LMDBError) {
        try transaction.put(totals.words.span.bytes, for: Self.totalsKey.span.bytes, in: meta)
    }

    /// Adds an event behind all others of the partition.
    package func append(
        _ position: Position, record: RawSpan, body: RawSpan, _ transaction: inout WriteTransaction
    ) throws(LMDBError) {
        let key = position.key
        try transaction.append(record, for: key.span.bytes, in: trail)
        if !body.isEmpty { try transaction.append(body, for: key.span.bytes, in: bodies) }
    }

    /// Puts a body in the place of the one that an event has, or gives it one.
    package func putBody(_ position: Position, _ body: RawSpan, _ transaction: inout WriteTransaction) throws(LMDBError) {
        let key = position.key
        try transaction.put(body, for: key.span.bytes, in: bodies)
    }

    /// Removes an event's body, and says whether it had one. The event stays.
    package func deleteBody(_ position: Position, _ transaction: inout WriteTransaction) throws(LMDBError) -> Bool {
        let key = position.key
        return try transaction.delete(key.span.bytes, in: bodies)
    }

    /// Removes the bodies of all events.
    package func clearBodies(_ transaction: inout WriteTransaction) throws(LMDBError) {
        try transaction.clear(bodies)
    }
}

extension Partition {
    /// Whether another file, or none, is in this one's place: what is written here now is lost.
    ///
    /// Set within a write transaction of this file, so whoever finds it false within his own knows that it stays so until
    /// he has committed. `PartitionShelf.write` looks.
    package var isReplaced: Bool { replaced.load(ordering: .acquiring) }

    func markReplaced() { replaced.store(true, ordering: .releasing) }
}

/// What a partition knows about itself: written with every fold, in the same transaction.
package struct PartitionTotals: Hashable, Sendable {
    package var first: Position
    /// The last event that is folded into this partition: folding starts behind it after a crash.
    package var last: Position
    package var events: UInt64
    package var messages: UInt64
    package var bodyBytes: UInt64
    /// The server's time of the last event.
    package var recorded: Instant

    static let version: UInt64 = 1

    package init(first: Position) {
        self.first = first
        last = Position(first.rawValue - 1)
        events = 0
        messages = 0
        bodyBytes = 0
        recorded = .distantPast
    }

    var words: Words<7> {
        [
            Self.version.bigEndian, first.rawValue.bigEndian, last.rawValue.bigEndian, events.bigEndian, messages.bigEndian,
            bodyBytes.bigEndian, UInt64(bitPattern: recorded.milliseconds).bigEndian,
        ]
    }

    init?(decoding value: RawSpan) {
        guard value.byteCount == 56, value.word(0) == Self.version, let first = value.word(1), let last = value.word(2),
            let events = value.word(3), let messages = value.word(4), let bodyBytes = value.word(5), let time = value.word(6),
            first > 0, last >= first, events > 0, messages <= events, max(last, events, bodyBytes) <= Int64.max
        else { return nil }
        let recorded = Instant(milliseconds: Int64(bitPattern: time))
        guard recorded.isWritable else { return nil }
        self.first = Position(first)
        self.last = Position(last)
        self.events = events
        self.messages = messages
        self.bodyBytes = bodyBytes
        self.recorded = recorded
    }
}

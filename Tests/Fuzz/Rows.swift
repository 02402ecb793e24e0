import Events

@testable import LMDB
@testable import Ledger
@testable import Projections

/// Rows of projections and of the log's tables, as a damaged file may hold them: any keys, any values, right sums or wrong ones.
///
/// Promises: whoever reads them is told the truth or that the table is damaged; rows of `holdings` and of runs that can be read are the
/// same when they are written anew; nobody is ended by a number that a disk says.
enum Rows {
    static func run(_ input: Input) {
        var input = input
        var rows: [Row] = []
        while !input.isEmpty, rows.count < 40 { rows.append(Row(&input)) }
        _ = attempt {
            try state.environment.write { transaction in
                for row in rows { try row.put(&transaction) }
                look(&transaction)
                throw GivenUp()
            }
        }
    }

    /// Nothing of it stays.
    private struct GivenUp: Error {}

    private static let state = certain {
        var options = Environment.Options(.create, mapBytes: 64 << 20)
        options.isSynced = false
        return try StateFile(
            opening: FuzzedFile.place("rows.mdb"), others: [Extents.tableName] + PartitionIndex.tableNames, options: options)
    }
    private static let index = PartitionIndex(in: state.environment)
    private static let extents = Extents(in: state.environment)

    static let tables = [
        "ids", "timeline", "holdings", "holdings", "counts", Extents.tableName, "meta", "keys", "removed", "policies", "holds", "purges",
        "hides", "clears", "conversations", "presence",
    ]

    private struct Row {
        var table: String
        var key: [UInt8]
        var value: [UInt8]

        init(_ input: inout Input) {
            let choice = input.byte()
            table = Rows.tables[Int(choice) % Rows.tables.count]
            let isUsual = choice & 0x40 == 0
            key = isUsual ? Rows.usualKey(of: table, &input) : input.piece()
            value = input.piece()
            if ["ids", "timeline", "holdings"].contains(table), choice & 0x80 == 0 {
                value += KeyBytes.of(value.span.bytes.sum(under: key.span.bytes))
            }
        }

        func put(_ transaction: inout WriteTransaction) throws(LMDBError) {
            if key.isEmpty || key.count > 511 { return }
            try transaction.put(value.span.bytes, for: key.span.bytes, in: Rows.state.environment.table(named: table))
        }
    }

    private static let names = certain { (tenant: try TenantID("t"), conversation: try ConversationID("c"), viewer: try UserID("v")) }

    /// Keys that questions lead to.
    private static func usualKey(of table: String, _ input: inout Input) -> [UInt8] {
        let number = UInt64(input.byte())
        switch table {
        case "ids": return run(&input) + KeyBytes.of(number) + KeyBytes.of(UInt64(input.byte()))
        case "timeline": return run(&input) + KeyBytes.of(number) + KeyBytes.of(UInt64(input.byte())) + KeyBytes.of(UInt64(input.byte()))
        case "holdings": return KeyBytes.of(number & 1) + run(&input) + KeyBytes.of(UInt64(input.byte() & 1))
        case "meta": return KeyBytes.of(0)
        case "hides": return NamedKey(Position(number & 1)).bytes + names.viewer.utf8 + [0]
        case "counts", "conversations": return NamedKey(names.tenant, names.conversation).bytes
        case "presence": return NamedKey(names.tenant, names.conversation).bytes + KeyBytes.of(number)
        case "clears": return NamedKey(names.tenant, names.conversation).bytes + names.viewer.utf8 + [0] + KeyBytes.of(number)
        default: return KeyBytes.of(number)
        }
    }

    private static func run(_ input: inout Input) -> [UInt8] {
        KeyBytes.of(UInt64(255 - input.number(0...1)) << 56 | UInt64(input.byte() & 3))
    }
}

extension Rows {
    private static func look(_ transaction: inout WriteTransaction) {
        lookAtState(transaction.reader)
        lookAtRuns(transaction.reader)
        lookAtHoldings(&transaction)
    }

    private static func lookAtState(_ reader: Reader) {
        let (tenant, conversation, viewer) = names
        if let progress = attempt({ try state.progress(reader) }) ?? nil { promise(progress.recorded.isWritable, "\(progress) is no time") }
        _ = attempt { try state.keys(reader) }
        _ = attempt { try state.removed(reader) }
        _ = attempt { try state.intents(reader) }
        if let book = attempt({ try state.ruleBook(reader) }) { promise(book.last <= .last, "") }
        for position in [0, 1] as [UInt64] {
            _ = attempt { try state.deletes.hide(of: Position(position), by: viewer, reader) }
            _ = attempt { try state.deletes.hides(of: Position(position), reader) }
            _ = attempt { try state.deletes.hiders(of: Position(position), reader) }
            _ = attempt { try extents.find(atOrAfter: Position(position), reader) }
        }
        _ = attempt { try state.deletes.clearers(tenant, conversation, reader) }
        _ = attempt { try state.deletes.clears(tenant, conversation, reader) }
        _ = attempt { try state.deletes.lastClear(tenant, conversation, by: viewer, reader) { $0.upTo == .none } }
        _ = attempt { try state.conversations.summary(tenant, conversation, reader) }
        _ = attempt { try state.conversations.partitions(tenant, conversation, reader) }
        _ = attempt { try extents.last(reader) }
        _ = attempt { try extents.find(atOrAfter: .last, reader) }
        _ = attempt { try extents.forEach(reader) { promise($0.first <= $0.last, "\($0) ends before it begins") } }
    }

    private static func lookAtRuns(_ reader: Reader) {
        for number in [0, 1, 255] as [UInt64] {
            _ = attempt { try index.positions(of: Fingerprint(number), reader) }
            _ = attempt { try index.earliest(of: Fingerprint(number), reader) }
            for end in [0, 7, .max] as [UInt64] {
                let (two, three): (Runs<2>.Row, Runs<3>.Row) = ([number, end], [number, end, 0])
                _ = attempt { try index.ids.rows(from: two, limit: 5, reader) }
                _ = attempt { try index.timeline.rows(before: three, limit: 5, reader) }
                _ = attempt { try index.timeline.rows(from: three, limit: 5, reader) }
            }
        }
        var rows = 0
        _ = attempt { try index.forEachRow(reader, begin: { _, count in rows += count }, { _, _ in rows -= 1 }) }
        _ = attempt { try index.filter(reader) }
        _ = attempt { try index.ids.forEach(reader) { _ in } }
        _ = attempt { try index.timeline.forEach(reader) { _ in } }
    }

    private static func lookAtHoldings(_ transaction: inout WriteTransaction) {
        guard let found = holdings(transaction.reader) else { return }
        for (one, other) in zip(found, found.dropFirst()) {
            let isInOrder =
                one.key < other.key
                || one.key == other.key && (one.tenant, one.conversation, one.sender) < (other.tenant, other.conversation, other.sender)
            promise(isInOrder, "\(one) stands before \(other)")
        }
        for holding in found { promise(holding.messages > 0 && holding.first <= holding.last, "\(holding) is none") }
        guard attempt({ try index.holdings.add([], &transaction) }) != nil else { return }
        promise(holdings(transaction.reader) == found, "holdings change when nothing is added")
        let keys = Set(found.map(\.key))
        for key in keys { promise(attempt { try index.removeHoldings(of: key, &transaction) } != nil, "holdings that are read cannot go") }
        promise(holdings(transaction.reader)?.isEmpty ?? true, "holdings stay that were removed")
    }

    private static func holdings(_ reader: Reader) -> [PartitionIndex.Holding]? {
        var found: [PartitionIndex.Holding] = []
        return attempt { try index.holdings(reader) { found.append($0) } }.map { found }
    }
}

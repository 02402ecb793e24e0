import Events
import LMDB
import TestSupport

@testable import Projections

/// A file that has nothing but the indexes of a partition, with transactions around each step.
final class IndexFile: Sendable {
    private let environment: Environment
    private let index: PartitionIndex
    // Last, so that the file is closed before it is removed.
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        environment = try Environment(
            opening: "\(folder.path)/1970-01-01.mdb", tables: PartitionIndex.tableNames, options: .init(.create, mapBytes: 64 << 20))
        index = PartitionIndex(in: environment)
    }

    func add(_ rows: [PartitionIndex.Row], _ gains: [ConversationGain] = []) throws {
        try environment.write { transaction in try index.add(rows, gains, &transaction) }
    }

    func clear() throws {
        try environment.write { transaction in try index.clear(&transaction) }
    }

    func positions(of message: UInt64) throws -> [UInt64] {
        try environment.read { reader in try index.positions(of: Fingerprint(message), reader) }.map(\.rawValue)
    }

    func up(
        of conversation: UInt64 = 1, from place: PartitionIndex.Place, through end: UInt64 = Position.last.rawValue, limit: Int = 1_000
    ) throws -> [PartitionIndex.Place] {
        try environment.read { reader in
            try index.places(of: Fingerprint(conversation), after: place, through: Position(end), limit: limit, reader)
        }
    }

    func down(
        of conversation: UInt64 = 1, from place: PartitionIndex.Place, through end: UInt64 = Position.last.rawValue, limit: Int = 1_000
    ) throws -> [PartitionIndex.Place] {
        try environment.read { reader in
            try index.places(of: Fingerprint(conversation), before: place, through: Position(end), limit: limit, reader)
        }
    }

    /// A whole timeline, page after page, each from the last place of the one before.
    func allUp(of conversation: UInt64, by size: Int) throws -> [PartitionIndex.Place] {
        try all(from: .beginning) { try up(of: conversation, from: $0, limit: size) }
    }

    func allDown(of conversation: UInt64, by size: Int) throws -> [PartitionIndex.Place] {
        try all(from: .end) { try down(of: conversation, from: $0, limit: size) }
    }

    private func all(
        from start: PartitionIndex.Place, _ page: (PartitionIndex.Place) throws -> [PartitionIndex.Place]
    ) throws -> [PartitionIndex.Place] {
        var found: [PartitionIndex.Place] = []
        while true {
            let next = try page(found.last ?? start)
            if next.isEmpty { return found }
            found += next
        }
    }

    func addHoldings(_ holdings: [PartitionIndex.Holding]) throws {
        try environment.write { transaction in try index.addHoldings(holdings.map(\.gain), &transaction) }
    }

    func move(_ holding: PartitionIndex.Holding, to key: UInt64) throws {
        try environment.write { transaction in try index.move([(holding, key)], &transaction) }
    }

    func removeHoldings(of key: UInt64) throws {
        try environment.write { transaction in try index.removeHoldings(of: key, &transaction) }
    }

    func holdings() throws -> [PartitionIndex.Holding] {
        var all: [PartitionIndex.Holding] = []
        try environment.read { reader in try index.holdings(reader) { all.append($0) } }
        return all
    }

    func holdings(of key: UInt64) throws -> [PartitionIndex.Holding] {
        var all: [PartitionIndex.Holding] = []
        try environment.read { reader in try index.holdings(of: key, reader) { all.append($0) } }
        return all
    }

    /// How many entries each index has.
    func sizes() throws -> [Int] {
        var sizes: [Int] = []
        try environment.read { reader in try index.forEachRow(reader, begin: { sizes.append($1) }, { _, _ in }) }
        return sizes
    }

    func sums() throws -> IndexSums { try environment.read { reader in try index.sums(reader) } }

    /// The bytes of a row of `counts`.
    func count(_ key: String) throws -> [UInt8]? {
        try environment.read { reader in
            try reader.lend(Array(key.utf8).span.bytes, in: environment.table(named: "counts")) { $0.withUnsafeBytes { Array($0) } }
        }
    }

    /// A row as it is on disk, whatever it means.
    /// What lies in a table, as it lies there.
    func rows(_ table: String) throws -> [(key: [UInt8], value: [UInt8])] {
        var rows: [(key: [UInt8], value: [UInt8])] = []
        try environment.read { reader in
            var cursor = try reader.cursor(in: environment.table(named: table))
            while try cursor.next() { rows.append((cursor.key.withUnsafeBytes { Array($0) }, cursor.value.withUnsafeBytes { Array($0) })) }
        }
        return rows
    }

    /// The only chunk of the only run of `holdings`, with a sum that is right.
    func putChunk(_ rows: [UInt8], of key: UInt64) throws {
        let place = [key, 255 << 56, 0].flatMap { number in withUnsafeBytes(of: number.bigEndian) { Array($0) } }
        let sum = withUnsafeBytes(of: rows.span.bytes.sum(under: place.span.bytes).bigEndian) { Array($0) }
        try put(rows + sum, for: place, in: "holdings")
    }

    func put(_ value: [UInt8], for key: [UInt8], in table: String) throws {
        try environment.write { transaction in
            try transaction.put(value.span.bytes, for: key.span.bytes, in: environment.table(named: table))
        }
    }
}

extension PartitionIndex.Place {
    static let beginning = PartitionIndex.Place(at: .distantPast, position: .none)
    static let end = PartitionIndex.Place(at: .distantFuture, position: .last)
}

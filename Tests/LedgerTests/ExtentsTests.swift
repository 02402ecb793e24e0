import Events
import LMDB
import Ledger
import TestSupport
import Testing

@Suite("Extents")
struct ExtentsTests {
    private let log: LogOfExtents
    // Last, so that the file is closed before it is removed.
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        log = try LogOfExtents(folder)
    }

    @Test("in an empty table nothing is found")
    func empty() throws {
        #expect(try log.find(.first) == nil)
        #expect(try log.last() == nil)
    }

    @Test("a position is found in its extent, at both ends and between them")
    func finds() throws {
        let (one, two) = (extent(1, 10, in: 1), extent(11, 11, in: 2))
        try log.append(one)
        try log.append(two)
        for position: UInt64 in [1, 5, 10] { #expect(try log.find(Position(position)) == one) }
        #expect(try log.find(Position(11)) == two)
        #expect(try log.find(Position(12)) == nil)
        #expect(try log.find(.last) == nil)
        #expect(try log.find(.none) == one)
        #expect(try log.last() == two)
    }

    @Test("what goes on in the same partition makes its extent longer")
    func merges() throws {
        try log.append(extent(1, 10, in: 1))
        try log.append(extent(11, 20, in: 1))
        try log.append(extent(21, 21, in: 2))
        try log.append(extent(22, 30, in: 1))
        try log.append(extent(31, 31, in: 1))
        #expect(try log.all() == [extent(1, 20, in: 1), extent(21, 21, in: 2), extent(22, 31, in: 1)])
    }

    @Test("what leaves a gap, or was there already, is refused and changes nothing")
    func refusesGaps() throws {
        try log.append(extent(1, 10, in: 1))
        for wrong in [extent(12, 20, in: 2), extent(10, 20, in: 2), extent(1, 10, in: 1), extent(12, 12, in: 1)] {
            let failure = #expect(throws: LedgerFailure.self) { try log.append(wrong) }
            #expect("\(try #require(failure))".contains("\(wrong.first) does not follow #10"))
        }
        #expect(try log.all() == [extent(1, 10, in: 1)])
    }

    @Test("partitions before and after the others keep their numbers")
    func partitions() throws {
        try log.append(extent(1, 1, in: 0))
        try log.append(extent(2, 2, in: .max))
        #expect(try log.find(Position(1))?.partition == PartitionID(0))
        #expect(try log.find(Position(2))?.partition == PartitionID(.max))
    }

    @Test("a row that nobody wrote so is damage, and no trap")
    func damage() throws {
        let word: (UInt64) -> [UInt8] = { number in withUnsafeBytes(of: number.bigEndian) { Array($0) } }
        let rows: [(key: [UInt8], value: [UInt8])] = [
            (word(1), word(9)), (word(1), word(9) + word(1) + [0]), (word(1), []), (word(5), word(4) + word(1)),
            (word(0), word(9) + word(1)), (word(1), word(9) + word(1 << 32)), ([0, 0, 1], word(9) + word(1)),
        ]
        for row in rows {
            let folder = try TemporaryFolder()
            let log = try LogOfExtents(folder)
            try log.put(row.value, for: row.key)
            #expect(throws: LedgerFailure.self, "\(row)") { try log.last() }
            #expect(throws: LedgerFailure.self, "\(row)") { try log.find(.first) }
        }
    }

    @Test("whatever is appended is found again as in a list")
    func matchesModel() throws {
        var random = SeededRandom(for: "extents as a list")
        var model: [Int32] = []
        for _ in 0..<200 {
            let count = Int.random(in: 1...(random.chance(of: 1, in: 2) ? 2 : 40), using: &random)
            let partition = Int32.random(in: 0...3, using: &random)
            let first = UInt64(model.count + 1)
            try log.append(extent(first, first + UInt64(count) - 1, in: partition))
            model += Array(repeating: partition, count: count)
        }
        for position in 0...model.count + 1 {
            let found = try log.find(Position(UInt64(position)))
            #expect(found == Self.run(in: model, atOrAfter: position))
        }
        let last = try #require(try log.last())
        #expect(last == Self.run(in: model, atOrAfter: model.count))
    }

    /// The run of a list of partitions in which a position lies; position 1 is the list's first.
    private static func run(in model: [Int32], atOrAfter position: Int) -> Extent? {
        guard position <= model.count else { return nil }
        let index = max(position, 1) - 1
        let partition = model[index]
        let first = model[..<index].lastIndex { $0 != partition }.map { $0 + 1 } ?? 0
        let last = (model[index...].firstIndex { $0 != partition } ?? model.count) - 1
        return extent(UInt64(first + 1), UInt64(last + 1), in: partition)
    }
}

private func extent(_ first: UInt64, _ last: UInt64, in partition: Int32) -> Extent {
    Extent(first: Position(first), last: Position(last), partition: PartitionID(partition))
}

/// A state file that has nothing but extents.
private final class LogOfExtents: Sendable {
    private let environment: Environment
    private let extents: Extents

    init(_ folder: TemporaryFolder) throws {
        environment = try Environment(
            opening: folder.file("state.mdb"), tables: [Extents.tableName], options: .init(.create, mapBytes: 64 << 20))
        extents = Extents(in: environment)
    }

    func append(_ extent: Extent) throws {
        try environment.write { transaction in try extents.append(extent, &transaction) }
    }

    func find(_ position: Position) throws -> Extent? {
        try environment.read { reader in try extents.find(atOrAfter: position, reader) }
    }

    func last() throws -> Extent? {
        try environment.read { reader in try extents.last(reader) }
    }

    /// All of them, found one behind the other.
    func all() throws -> [Extent] {
        var found: [Extent] = []
        while let extent = try find(found.last?.last.next ?? .first) { found.append(extent) }
        return found
    }

    /// A row as it is on disk, whatever it means.
    func put(_ value: [UInt8], for key: [UInt8]) throws {
        try environment.write { transaction in
            try transaction.put(value.span.bytes, for: key.span.bytes, in: environment.table(named: Extents.tableName))
        }
    }
}

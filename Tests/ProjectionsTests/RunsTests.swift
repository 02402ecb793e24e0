import LMDB
import TestSupport
import Testing

@testable import Projections

/// Against a plain sorted array.
@Suite("Sorted runs")
struct RunsTests {
    private let environment: Environment
    private let runs: Runs<3>
    // Last, so that the file is closed before it is removed.
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        environment = try Environment(opening: "\(folder.path)/runs.mdb", tables: ["rows"], options: .init(.create, mapBytes: 256 << 20))
        runs = Runs("rows", in: environment)
    }

    private struct Triple: Hashable, Comparable {
        var numbers: [UInt64]
        var row: Runs<3>.Row { [numbers[0], numbers[1], numbers[2]] }

        init(_ row: Runs<3>.Row) { numbers = [row[0], row[1], row[2]] }
        init(_ numbers: [UInt64]) { self.numbers = numbers }
        static func < (left: Self, right: Self) -> Bool { left.numbers.lexicographicallyPrecedes(right.numbers) }
    }

    private func add(_ rows: [Triple]) throws {
        try environment.write { transaction in try runs.add(rows.sorted().map(\.row), &transaction) }
    }

    /// Some rows of few first numbers, so that a question has many answers; and of numbers at the ends of what a word can be.
    private func triples(_ count: Int, _ random: inout SeededRandom) -> Set<Triple> {
        Set(
            (0..<count).map { _ in
                Triple([
                    [0, 1, 2, 3, 1 << 63, .max].randomElement(using: &random) ?? 0, UInt64.random(in: 0..<50, using: &random),
                    random.chance(of: 1, in: 9) ? .max : random.next() % 1000,
                ])
            })
    }

    private func check(_ all: [Triple], _ random: inout SeededRandom) throws {
        try environment.read { reader in
            var inOrder: [Triple] = []
            try runs.forEachInOrder(reader) { inOrder.append(Triple($0)) }
            #expect(inOrder == all)
            var anyhow: [Triple] = []
            try runs.forEach(reader) { anyhow.append(Triple($0)) }
            #expect(anyhow.sorted() == all)
            #expect(try runs.count(reader) == all.count)
            for _ in 0..<40 {
                let place = random.chance(of: 1, in: 2) ? all.randomElement(using: &random) : nil
                let start = place ?? Triple([UInt64.random(in: 0..<5, using: &random), random.next() % 60, random.next() % 1000])
                let limit = [1, 2, 50, .max].randomElement(using: &random) ?? 1
                let up = all.filter { $0 >= start && $0.numbers[0] == start.numbers[0] }.prefix(limit)
                #expect(try runs.rows(from: start.row, limit: limit, reader).map { Triple($0) } == Array(up))
                let down = all.filter { $0 < start && $0.numbers[0] == start.numbers[0] }.reversed().prefix(limit)
                #expect(try runs.rows(before: start.row, limit: limit, reader).map { Triple($0) } == Array(down))
            }
        }
    }

    @Test("answers as a sorted array does, at any number of runs, through merges of several levels", arguments: 0..<6)
    func likeAnArray(round: Int) throws {
        var random = SeededRandom(for: "sorted runs \(round)")
        var all: Set<Triple> = []
        try check([], &random)
        for step in 0..<90 {
            let news = triples(Int.random(in: 0..<[2, 30, 1_200][round % 3], using: &random), &random).subtracting(all)
            try add(Array(news))
            all.formUnion(news)
            if step < 20 || step.isMultiple(of: 13) { try check(all.sorted(), &random) }
        }
        try check(all.sorted(), &random)
    }

    @Test("few runs are left of many, and what they held before is given back")
    func merges() throws {
        for number in 0..<600 { try add([Triple([UInt64(number % 7), UInt64(number), 1])]) }
        let rows = try environment.read { reader in try reader.count(of: runs.table) }
        // 600 = 1 × 512 + 1 × 64 + 3 × 8.
        #expect(rows == 5)
    }

    @Test("a chunk with one other bit is found by whoever goes through all rows", arguments: [0, 7, 8, 40, 200])
    func damage(bit: Int) throws {
        var random = SeededRandom(for: "damaged runs")
        try add(Array(triples(2_000, &random)))
        try environment.write { transaction in
            let found = try transaction.reader.firstEntry(in: runs.table)
            var value = found.value
            value[bit / 8 % value.count] ^= 1 << UInt8(bit % 8)
            try transaction.put(value.span.bytes, for: found.key.span.bytes, in: runs.table)
        }
        #expect(throws: ProjectionFailure.self) { try environment.read { reader in try runs.forEach(reader) { _ in } } }
    }

    @Test("large runs stay as they are, and small ones that come later are still merged")
    func largeRuns() throws {
        let large: UInt64 = 200_000
        for start in 0..<2 as Range<UInt64> { try add((0..<large).map { Triple([start * large + $0, 0, 0]) }) }
        for number in 0..<500 as Range<UInt64> { try add([Triple([number, 1, 1])]) }
        let entries = try environment.read { reader in try reader.count(of: runs.table) }
        // The chunks of the large ones; 500 = 7 × 64 + 6 × 8 + 4.
        #expect(entries == 2 * 147 + 17)
        #expect(try environment.read { reader in try runs.count(reader) } == 2 * Int(large) + 500)
    }

    @Test("a merge throws nothing away: a damaged chunk stops it, whatever its rows have become", arguments: [8, 9, 15, 16, 40_000])
    func damageBeforeMerge(byte: Int) throws {
        var random = SeededRandom(for: "damaged before a merge")
        for _ in 0..<7 { try add(Array(triples(3_000, &random))) }
        let before = try environment.read { reader in try reader.count(of: runs.table) }
        try environment.write { transaction in
            let found = try transaction.reader.firstEntry(in: runs.table)
            var value = found.value
            value[byte % value.count] ^= 0x10
            try transaction.put(value.span.bytes, for: found.key.span.bytes, in: runs.table)
        }
        #expect(throws: ProjectionFailure.self) { try add([Triple([77, 77, 77])]) }
        #expect(try environment.read { reader in try reader.count(of: runs.table) } == before)
        #expect(throws: ProjectionFailure.self) { try environment.read { reader in try runs.forEachInOrder(reader) { _ in } } }
    }

    @Test("a key that no chunk has is damage, and neither a trap nor the end", arguments: [[255, 255, 255], [255], [3, 0, 0, 0]])
    func foreignKey(bytes: [UInt8]) throws {
        try add([Triple([1, 2, 3])])
        let key = bytes + [UInt8](repeating: bytes[0], count: bytes.count == 1 ? 1 : 32 - bytes.count)
        try environment.write { transaction in
            try transaction.put([UInt8](repeating: 0, count: 32).span.bytes, for: key.span.bytes, in: runs.table)
        }
        #expect(throws: ProjectionFailure.self) { try environment.read { reader in try runs.rows(from: [1, 0, 0], limit: 9, reader) } }
        #expect(throws: ProjectionFailure.self) { try environment.read { reader in try runs.rows(before: [1, 9, 9], limit: 9, reader) } }
        #expect(throws: ProjectionFailure.self) { try add([Triple([5, 5, 5])]) }
    }

    @Test("rows that lie out of order are found by whoever goes through all of them, though each chunk has its right sum")
    func disorder() throws {
        let run = RunNumber(level: 0, behind: [])
        func isSound(_ chunks: [(run: RunNumber, start: UInt64, rows: [UInt64])]) throws -> Bool {
            try environment.write { transaction in
                try transaction.clear(runs.table)
                for chunk in chunks {
                    let rows = chunk.rows.map { Triple([1, $0, 1]).row }
                    try runs.write(rows[...], under: chunk.run.key(startingWith: Triple([1, chunk.start, 1]).row), &transaction)
                }
            }
            do { try environment.read { reader in try runs.forEach(reader) { _ in } } } catch is ProjectionFailure { return false }
            return true
        }
        #expect(try isSound([(run, 1, [1, 2, 3]), (run, 4, [4, 5]), (run.next, 2, [2, 6])]))
        #expect(try !isSound([(run, 1, [1, 3, 2])]))
        #expect(try !isSound([(run, 3, [3, 2, 1])]))
        #expect(try !isSound([(run, 1, [1, 2, 2])]))
        #expect(try !isSound([(run, 1, [2, 3])]))
        #expect(try !isSound([(run, 1, [1, 2, 4]), (run, 4, [4, 5])]))
        #expect(try !isSound([(run, 1, [1, 2, 9]), (run, 4, [4, 5])]))
    }

    @Test("a row that is no chunk is damage, and not an answer")
    func noChunk() throws {
        try environment.write { transaction in
            try transaction.put([UInt8](repeating: 0, count: 0).span.bytes, for: words(5, 6, 7).span.bytes, in: runs.table)
        }
        #expect(throws: ProjectionFailure.self) { try environment.read { reader in try runs.rows(from: [0, 0, 0], limit: 1, reader) } }
        #expect(throws: ProjectionFailure.self) { try environment.read { reader in try runs.rows(before: [9, 9, 9], limit: 1, reader) } }
        #expect(throws: ProjectionFailure.self) { try environment.read { reader in try runs.count(reader) } }
    }
}

extension Reader {
    fileprivate func firstEntry(in table: Table) throws -> (key: [UInt8], value: [UInt8]) {
        var cursor = try cursor(in: table)
        _ = try cursor.first()
        return (cursor.key.withUnsafeBytes { [UInt8]($0) }, cursor.value.withUnsafeBytes { [UInt8]($0) })
    }
}

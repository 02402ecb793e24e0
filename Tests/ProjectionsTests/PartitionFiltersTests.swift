import Projections
import TestSupport
import Testing

@Suite("Filters of partitions")
struct PartitionFiltersTests {
    private let state: StateOfTest
    private let filters: PartitionFilters

    init() throws {
        state = try StateOfTest()
        filters = PartitionFilters(in: state.file.environment)
    }

    private func candidates(_ fingerprint: UInt64, among partitions: [Int32]) throws -> [Int32] {
        try state.read { _, reader in try filters.candidates(for: Fingerprint(fingerprint), among: partitions, reader) }
    }

    @Test(
        "never denies what it was given, denies most of what it was not, and says nothing of partitions without a row",
        arguments: [1, 7, 50_000])
    func noFalseDenial(count: Int) throws {
        var random = SeededRandom(for: "partition filters \(count)")
        let given = (0..<count).map { _ in random.next() }
        var filter = PartitionFilter(count: count)
        for fingerprint in given { filter.insert(Fingerprint(fingerprint)) }
        try state.write { _, transaction in try filters.put(filter, of: -3, &transaction) }
        for fingerprint in given { #expect(try candidates(fingerprint, among: [5, -3, 7]) == [5, -3, 7]) }
        var perhaps = 0
        for _ in 0..<2_000 where try candidates(random.next(), among: [-3]) == [-3] { perhaps += 1 }
        #expect(perhaps < 100)
        #expect(try state.read { _, reader in try filters.filter(of: -3, reader) } == filter)
        try state.write { _, transaction in try filters.forget(-3, &transaction) }
        #expect(try candidates(random.next(), among: [-3, 4]) == [-3, 4])
    }

    @Test("a row that cannot be a filter says nothing")
    func emptyRow() throws {
        try state.put([], for: words(2), in: "filters")
        try state.put([0, 0], for: words(3), in: "filters")
        #expect(try candidates(77, among: [2, 3]) == [2, 3])
    }
}

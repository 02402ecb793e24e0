import Events
import LMDB
import Ledger
import TestSupport
import Testing

@Suite("Partition")
struct PartitionTests {
    private let shelf: PartitionShelf
    // Last, so that the files are closed before they are removed.
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        shelf = try PartitionShelf(days: folder)
    }

    @Test("records and bodies are read as they were appended, by position")
    func appends() throws {
        let lease = try shelf.lease(making: january(1))
        let partition = lease.partition
        try partition.fold(Position(3), record: "three", body: "body of three")
        try partition.fold(Position(4), record: "four")
        try partition.fold(Position(900), record: "nine hundred", body: "body of nine hundred")
        #expect(try partition.rows(of: partition.trail) == ["3: three", "4: four", "900: nine hundred"])
        #expect(try partition.rows(of: partition.bodies) == ["3: body of three", "900: body of nine hundred"])
    }

    @Test("an event that is not behind all others is refused, and leaves nothing behind")
    func refusesToGoBack() throws {
        let lease = try shelf.lease(making: january(1))
        let partition = lease.partition
        try partition.fold(Position(7), record: "seven", body: "b")
        for position in [Position(7), Position(6)] {
            let failure = #expect(throws: LMDBError.self) { try partition.fold(position, record: "again", body: "b") }
            #expect(failure?.kind == .notAscending)
        }
        #expect(try partition.rows(of: partition.trail) == ["7: seven"])
        #expect(try partition.totals()?.events == 1)
    }

    @Test("positions are in the order of numbers, up to the last one of all")
    func order() throws {
        let lease = try shelf.lease(making: january(1))
        let partition = lease.partition
        let positions: [UInt64] = [1, 255, 256, 65_535, 65_536, 1 << 32, .max >> 1, .max]
        for position in positions { try partition.fold(Position(position), record: "r") }
        #expect(try partition.rows(of: partition.trail) == positions.map { "\($0): r" })
    }

    @Test("a new partition has no totals; afterwards it has those that were written last")
    func totals() throws {
        let lease = try shelf.lease(making: january(1))
        let partition = lease.partition
        #expect(try partition.totals() == nil)
        var totals = PartitionTotals(first: Position(5))
        #expect(totals.last == Position(4) && totals.events == 0)
        totals.last = Position(9)
        totals.events = 5
        totals.messages = 3
        totals.bodyBytes = 1 << 40
        totals.recorded = .distantFuture
        try partition.environment.write { transaction in try partition.write(totals, &transaction) }
        #expect(try partition.totals() == totals)
    }

    @Test("what is given up half-way never was")
    func givenUp() throws {
        let lease = try shelf.lease(making: january(1))
        let partition = lease.partition
        try partition.fold(.first, record: "one")
        #expect(throws: GivenUp.self) {
            try partition.environment.write { transaction in
                try partition.append(Position(2), record: [1].span.bytes, body: [2].span.bytes, &transaction)
                try partition.write(PartitionTotals(first: Position(2)), &transaction)
                throw GivenUp()
            }
        }
        #expect(try partition.rows(of: partition.trail) == ["1: one"])
        #expect(try partition.rows(of: partition.bodies) == [])
        #expect(try partition.totals()?.last == .first)
    }

    private struct GivenUp: Error {}

    @Test("totals that nobody wrote so are damage, and no trap", arguments: DamagedTotals.all)
    func damagedTotals(_ damaged: DamagedTotals) throws {
        let lease = try shelf.lease(making: january(1))
        let partition = lease.partition
        try partition.environment.write { transaction in
            let meta = partition.environment.table(named: "meta")
            try transaction.put(damaged.bytes.span.bytes, for: [UInt8](repeating: 0, count: 8).span.bytes, in: meta)
        }
        if damaged.isSound {
            #expect(try partition.totals()?.events == 5)
        } else {
            let failure = #expect(throws: LedgerFailure.self) { try partition.totals() }
            #expect("\(try #require(failure))".contains("table meta: the totals make no sense"))
        }
    }
}

/// The seven words of a partition's totals, one of them wrong.
struct DamagedTotals: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let bytes: [UInt8]
    let isSound: Bool

    private static let sound: [UInt64] = [1, 5, 9, 5, 3, 100, 1_795_416_138_123]

    private init(_ name: String, _ words: [UInt64], isSound: Bool = false, cutBy: Int = 0) {
        testDescription = name
        bytes = Array(words.flatMap { word in withUnsafeBytes(of: word.bigEndian) { Array($0) } }.dropLast(cutBy))
        self.isSound = isSound
    }

    private static func with(_ index: Int, _ word: UInt64) -> [UInt64] {
        var words = sound
        words[index] = word
        return words
    }

    static let all = [
        DamagedTotals("nothing wrong", sound, isSound: true),
        DamagedTotals("a byte short", sound, cutBy: 1),
        DamagedTotals("nothing at all", []),
        DamagedTotals("a word too many", sound + [0]),
        DamagedTotals("a version of later", with(0, 2)),
        DamagedTotals("first position 0", with(1, 0)),
        DamagedTotals("the last before the first", with(2, 4)),
        DamagedTotals("no events", with(3, 0)),
        DamagedTotals("more messages than events", with(4, 6)),
        DamagedTotals("a time before 1970", with(6, .max)),
        DamagedTotals("a time in the year 10000", with(6, 253_402_300_800_000)),
    ]
}

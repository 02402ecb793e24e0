import Events
import Projections
import TestSupport
import Testing

@Suite("Holdings")
struct HoldingsTests {
    private let file: IndexFile

    init() throws { file = try IndexFile() }

    @Test("holdings add up, of each key, conversation and sender their own, and come in order")
    func addsUp() throws {
        try file.addHoldings([holding(2, "b", "x", 1, 10), holding(1, "b", "x", 2, 20), holding(256, "a", "x", 3, 30)])
        try file.addHoldings([holding(1, "b", "x", 1, 5), holding(1, "b", "w", 1, 1), holding(1, "b", "x", 1, 5)])
        #expect(
            try file.holdings() == [
                holding(1, "b", "w", 1, 1), holding(1, "b", "x", 4, 30), holding(2, "b", "x", 1, 10), holding(256, "a", "x", 3, 30),
            ])
        #expect(try file.holdings(of: 1) == [holding(1, "b", "w", 1, 1), holding(1, "b", "x", 4, 30)])
        #expect(try file.holdings(of: 3).isEmpty)
    }

    @Test("names that begin with each other stay apart, and the longest names fit")
    func names() throws {
        let long = String(repeating: "n", count: NameFault.bytesMax)
        let longest = PartitionIndex.Holding(
            key: .max, tenant: try Name(long), conversation: try Name(long), sender: try Name(long), messages: 1, bytes: 1,
            first: .distantPast,
            last: .distantFuture)
        let all = [
            PartitionIndex.Holding(
                key: 1, tenant: "a", conversation: "b", sender: "cd", messages: 1, bytes: 1, first: instant(0), last: instant(0)),
            PartitionIndex.Holding(
                key: 1, tenant: "a", conversation: "bc", sender: "d", messages: 2, bytes: 2, first: instant(0), last: instant(0)),
            PartitionIndex.Holding(
                key: 1, tenant: "ab", conversation: "b", sender: "d", messages: 3, bytes: 3, first: instant(0), last: instant(0)),
            PartitionIndex.Holding(
                key: 1, tenant: "ab", conversation: "bc", sender: "d", messages: 4, bytes: 4, first: instant(0), last: instant(0)),
            longest,
        ]
        try file.addHoldings(all.reversed())
        #expect(try file.holdings() == all)
    }

    @Test("what is said to be there is there, whatever was before; no messages leave no row")
    func sets() throws {
        for messages: UInt64 in [5, 3] { try file.setHolding(holding(1, "a", "x", messages, 7)) }
        #expect(try file.holdings() == [holding(1, "a", "x", 3, 7)])
        for _ in 0..<2 { try file.setHolding(holding(1, "a", "x", 0, 0)) }
        #expect(try file.holdings().isEmpty)
    }

    @Test("what is moved is counted under the other key, and no longer under its own")
    func moves() throws {
        try file.addHoldings([holding(1, "a", "x", 5, 50), holding(1, "a", "y", 1, 10), holding(9, "a", "y", 1, 1)])
        try file.move(holding(1, "a", "x", 2, 20), to: 9)
        try file.move(holding(1, "a", "y", 1, 10), to: 9)
        #expect(try file.holdings() == [holding(1, "a", "x", 3, 30), holding(9, "a", "x", 2, 20), holding(9, "a", "y", 2, 11)])
    }

    @Test("first and last are the bounds of all that was added, and stay when some of it is moved away")
    func bounds() throws {
        for (first, last) in [(20, 30), (10, 15), (25, 40)] as [(Int64, Int64)] {
            try file.addHoldings([holding(1, "a", "x", 2, 0, from: first, to: last)])
        }
        #expect(try file.holdings() == [holding(1, "a", "x", 6, 0, from: 10, to: 40)])
        try file.move(holding(1, "a", "x", 1, 0, from: 10, to: 10), to: 2)
        try file.move(holding(1, "a", "x", 1, 0, from: 15, to: 15), to: 2)
        #expect(try file.holdings() == [holding(1, "a", "x", 4, 0, from: 10, to: 40), holding(2, "a", "x", 2, 0, from: 10, to: 15)])
        try file.setHolding(holding(1, "a", "x", 4, 0, from: 20, to: 40))
        #expect(try file.holdings(of: 1) == [holding(1, "a", "x", 4, 0, from: 20, to: 40)])
    }

    @Test("more than is there is not moved, and nothing of it")
    func movesTooMuch() throws {
        try file.addHoldings([holding(1, "a", "x", 5, 50)])
        #expect(throws: ProjectionFailure.self) { try file.move(holding(1, "a", "x", 6, 50), to: 2) }
        #expect(throws: ProjectionFailure.self) { try file.move(holding(1, "a", "z", 1, 1), to: 2) }
        #expect(try file.holdings() == [holding(1, "a", "x", 5, 50)])
    }

    @Test("a key's holdings go all at once, however many, and no others")
    func removes() throws {
        let senders = try (0..<2_500).map { try UserID("s\($0)") }
        for key: UInt64 in [6, 7, 8] { try file.addHoldings(senders.map { holding(key, "a", $0, 1, 1) }) }
        try file.removeHoldings(of: 7)
        #expect(try file.holdings(of: 7).isEmpty)
        #expect(try file.holdings().map(\.key) == Array(repeating: 6, count: 2_500) + Array(repeating: 8, count: 2_500))
        try file.removeHoldings(of: 7)
    }

    @Test("whatever is added, set, moved and removed, the table is what a dictionary has")
    func matchesModel() throws {
        var random = SeededRandom(for: "holdings as a dictionary")
        var model: [PartitionIndex.Holding: UInt64] = [:]
        let senders: [UserID] = ["x", "y", "z"]
        for _ in 0..<300 {
            let key = UInt64.random(in: 1...4, using: &random)
            let some = holding(
                key, random.chance(of: 1, in: 2) ? "a" : "b", senders[Int.random(in: 0..<3, using: &random)],
                .random(in: 1...5, using: &random), 0)
            let other = UInt64.random(in: 1...4, using: &random)
            switch Int.random(in: 0..<6, using: &random) {
            case 0:
                try file.removeHoldings(of: key)
                model = model.filter { $0.key.key != key }
            case 1:
                try file.setHolding(some)
                model[some.place] = some.messages
            case 2 where model[some.place, default: 0] >= some.messages:
                try file.move(some, to: other)
                model[some.place, default: 0] -= some.messages
                var moved = some
                moved.key = other
                model[moved.place, default: 0] += some.messages
            default:
                try file.addHoldings([some])
                model[some.place, default: 0] += some.messages
            }
            let found = try file.holdings().map { ($0.place, $0.messages) }
            #expect(Dictionary(uniqueKeysWithValues: found) == model.filter { $0.value > 0 })
        }
    }

    @Test("a row that nobody wrote so is damage, and no trap")
    func damaged() throws {
        let key = words(1) + Array("acme\0a\0x\0".utf8)
        let value = words(1, 1, 5, 6)
        let damaged: [(key: [UInt8], value: [UInt8])] = [
            ([1], value), (words(1), value), (words(1) + Array("a\0b\0c".utf8), value), (words(1) + Array("a\0b\0".utf8), value),
            (words(1) + Array("a\0\0c\0".utf8), value), (key + Array("d\0".utf8), value),
            (words(1) + [0xFF, 0] + Array("b\0c\0".utf8), value), (key, words(1, 1, 5)), (key, []), (key, words(1, 1 << 63, 5, 6)),
            (key, words(1, 1, 6, 5)), (key, words(1, 1, 5, .max)), (key, value + [0]),
        ]
        for row in damaged {
            let file = try IndexFile()
            try file.put(row.value, for: row.key, in: "holdings")
            #expect(throws: ProjectionFailure.self, "\(row)") { try file.holdings() }
        }
        try file.put(words(1), for: key, in: "holdings")
        #expect(throws: ProjectionFailure.self) { try file.addHoldings([holding(1, "a", "x", 1, 1)]) }
    }
}

private func holding(
    _ key: UInt64, _ conversation: ConversationID, _ sender: UserID, _ messages: UInt64, _ bytes: UInt64, from first: Int64 = 5,
    to last: Int64 = 5
) -> PartitionIndex.Holding {
    PartitionIndex.Holding(
        key: key, tenant: "acme", conversation: conversation, sender: sender, messages: messages, bytes: bytes, first: instant(first),
        last: instant(last))
}

extension PartitionIndex.Holding {
    /// Without its counts.
    fileprivate var place: PartitionIndex.Holding {
        var place = self
        (place.messages, place.bytes) = (0, 0)
        return place
    }
}

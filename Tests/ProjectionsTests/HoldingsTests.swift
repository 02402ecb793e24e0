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
    }

    @Test("what came and what went of other messages, as many and as long, leave the times of what is there")
    func boundsOfEqualOnes() throws {
        try file.addHoldings([holding(1, "a", "x", 1, 50, from: 10, to: 10)])
        // What came first is in a merged run; then what came and what went are merged without it.
        for other: Int64 in 1...7 { try file.addHoldings([holding(1, "a", "y", 1, 0, from: other, to: other)]) }
        try file.addHoldings([holding(1, "a", "x", 1, 50, from: 12, to: 12)])
        try file.move(holding(1, "a", "x", 1, 50, from: 10, to: 10), to: 2)
        for other: Int64 in 1...7 { try file.addHoldings([holding(1, "a", "y", 1, 0, from: other, to: other)]) }
        let left = try #require(try file.holdings(of: 1).first { $0.sender == "x" })
        #expect(left.messages == 1)
        #expect(left.bytes == 50)
        #expect(left.stretch.contains(instant(12)))
        try file.move(holding(1, "a", "x", 1, 50, from: 12, to: 12), to: 2)
        #expect(try file.holdings(of: 1).map(\.sender) == ["y"])
    }

    @Test("more moved away than was there is damage, whoever reads it")
    func movesTooMuch() throws {
        for some in [holding(1, "a", "x", 6, 50), holding(1, "a", "x", 5, 51), holding(1, "a", "z", 1, 1)] {
            let file = try IndexFile()
            try file.addHoldings([holding(1, "a", "x", 5, 50)])
            try file.move(some, to: 2)
            #expect(throws: ProjectionFailure.self) { try file.holdings(of: 1) }
            #expect(throws: ProjectionFailure.self) { try file.holdings() }
            #expect(try file.holdings(of: 2).count == 1)
        }
    }

    @Test("what is moved before it came adds up when it is there")
    func movesEarly() throws {
        try file.move(holding(1, "a", "x", 2, 20), to: 2)
        for _ in 0..<20 { try file.addHoldings([holding(1, "a", "x", 1, 10)]) }
        #expect(try file.holdings() == [holding(1, "a", "x", 18, 180), holding(2, "a", "x", 2, 20)])
    }

    @Test("many small runs are merged: what is read stays, and the chunks are few")
    func merges() throws {
        for round in 0..<100 { try file.addHoldings([holding(1, "a", "x", 1, 1), holding(1, "b", "y", 1, UInt64(round))]) }
        #expect(try file.holdings() == [holding(1, "a", "x", 100, 100), holding(1, "b", "y", 100, 4_950)])
        #expect(try file.rows("holdings").count <= 21)
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
            switch Int.random(in: 0..<9, using: &random) {
            case 0:
                try file.removeHoldings(of: key)
                model = model.filter { $0.key.key != key }
            case 1...3 where model[some.place, default: 0] >= some.messages:
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

    @Test("a run of many rows lies in many chunks, and comes back whole")
    func chunks() throws {
        var random = SeededRandom(for: "holdings in chunks")
        let all = try (10_000..<30_000).map { number in
            let first = Int64.random(in: 0...1 << 40, using: &random)
            return holding(
                3, try Name("c\(number % 7)"), try Name("s\(number)"), .random(in: 1...1 << 40, using: &random),
                .random(in: 0...1 << 50, using: &random), from: first, to: first + .random(in: 0...1 << 40, using: &random))
        }
        try file.addHoldings(all.shuffled(using: &random))
        #expect(try file.rows("holdings").count > 5)
        #expect(
            try file.holdings()
                == all.sorted {
                    ($0.conversation.description, $0.sender.description) < ($1.conversation.description, $1.sender.description)
                })
    }

    @Test("a chunk in which any byte is another one is damage, and no trap")
    func damaged() throws {
        try file.addHoldings([holding(1, "a", "x", 1, 5), holding(1, "a", "y", 300, 70_000, from: 1, to: 1 << 40)])
        let row = try #require(try file.rows("holdings").first)
        for index in row.key.indices {
            let file = try IndexFile()
            var key = row.key
            key[index] ^= 0x41
            try file.put(row.value, for: key, in: "holdings")
            #expect(throws: ProjectionFailure.self, "byte \(index) of the key") { try file.holdings() }
        }
        for index in row.value.indices {
            let file = try IndexFile()
            var value = row.value
            value[index] ^= 0x41
            try file.put(value, for: row.key, in: "holdings")
            #expect(throws: ProjectionFailure.self, "byte \(index) of the value") { try file.holdings() }
        }
        for value in [[], Array(row.value.dropLast()), row.value + [0], Array(row.value.prefix(8))] {
            let file = try IndexFile()
            try file.put(value, for: row.key, in: "holdings")
            #expect(throws: ProjectionFailure.self) { try file.holdings() }
        }
    }

    @Test("rows whose sum is right and that say what cannot be are damage, and no trap")
    func forged() throws {
        let names = Array("acme\0a\0x\0".utf8)
        let sound: [UInt8] = [8, UInt8(names.count)] + names + [2, 2, 1, 10]
        let forged: [[UInt8]] = [
            [7, 1, 0] + sound, [9] + sound.dropFirst(), [8, 200] + sound.dropFirst(2), Array(sound.dropLast()), sound + [8],
            sound + sound, [8, 4] + Array("a\0b\0".utf8) + [2, 2, 1, 10], [8, 3, 97, 0, 0, 2, 2, 1, 10],
            Array(sound.dropLast(2)) + [0], Array(sound.dropLast(4)) + [1, 2, 1, 10],
            Array(sound.dropLast(2)) + [1] + [UInt8](repeating: 0xFF, count: 9) + [1],
            Array(sound.dropLast(2)) + [UInt8](repeating: 0xFF, count: 9) + [1, 10], [UInt8](repeating: 0xFF, count: 30),
        ]
        try file.putChunk(sound, of: 1)
        #expect(try file.holdings() == [holding(1, "a", "x", 1, 1)])
        for rows in forged {
            let file = try IndexFile()
            try file.putChunk(rows, of: 1)
            #expect(throws: ProjectionFailure.self, "\(rows)") { try file.holdings() }
        }
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

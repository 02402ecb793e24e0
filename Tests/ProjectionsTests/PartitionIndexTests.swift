import Events
import LMDB
import Projections
import TestSupport
import Testing

@Suite("PartitionIndex")
struct PartitionIndexTests {
    private let file: IndexFile

    init() throws { file = try IndexFile() }

    @Test("a message is found by its id's fingerprint, and all who share it, in order of position")
    func ids() throws {
        try file.add([row(message: 7, position: 300), row(message: 8, position: 4), row(message: 7, position: 5)])
        try file.add([row(message: 7, position: 2)])
        #expect(try file.positions(of: 7) == [2, 5, 300])
        #expect(try file.positions(of: 8) == [4])
        #expect(try file.positions(of: 6).isEmpty && file.positions(of: 9).isEmpty)
        #expect(try file.positions(of: .max).isEmpty)
    }

    @Test("a reading is found by its message, and is on no timeline; sums of rows know the difference")
    func readings() throws {
        let rows = [row(message: 7, at: 10, position: 5), row(message: 8, conversation: nil, at: 11, position: 6)]
        try file.add(rows)
        #expect(try file.positions(of: 7) == [5])
        #expect(try file.positions(of: 8) == [6])
        #expect(try file.sizes() == [2, 1, 0])
        var sums = IndexSums()
        sums.add(rows)
        #expect(try file.sums() == sums)
    }

    @Test("a timeline goes by time, and by position where times are equal")
    func order() throws {
        try file.add([row(at: 10, position: 9), row(at: 10, position: 300), row(at: 5, position: 400), row(at: 11, position: 1)])
        #expect(try file.up(from: .beginning) == [place(5, 400), place(10, 9), place(10, 300), place(11, 1)])
        #expect(try file.down(from: .end) == [place(11, 1), place(10, 300), place(10, 9), place(5, 400)])
    }

    @Test("a page begins right behind its place, or right before it, and the place itself is in neither")
    func exclusive() throws {
        try file.add([row(at: 10, position: 1), row(at: 10, position: 2), row(at: 10, position: 3)])
        #expect(try file.up(from: place(10, 2)) == [place(10, 3)])
        #expect(try file.down(from: place(10, 2)) == [place(10, 1)])
        // A place where no message is: a cursor may be made by hand.
        #expect(try file.up(from: place(9, 99)).map(\.position) == [Position(1), Position(2), Position(3)])
        #expect(try file.down(from: place(10, 4)).map(\.position) == [Position(3), Position(2), Position(1)])
    }

    @Test("a page has no more places than asked for")
    func limits() throws {
        try file.add((1...5).map { row(at: 10, position: $0) })
        #expect(try file.up(from: .beginning, limit: 2) == [place(10, 1), place(10, 2)])
        #expect(try file.down(from: .end, limit: 2) == [place(10, 5), place(10, 4)])
        #expect(try file.up(from: .beginning, limit: 0).isEmpty && file.down(from: .end, limit: 0).isEmpty)
    }

    @Test("what came behind an end is passed over, and does not count")
    func ends() throws {
        let file = try IndexFile()
        for part in 0..<5 {
            try file.add((0..<700).map { row(message: UInt64($0), at: Int64($0 % 100), position: UInt64(part * 700 + $0 + 1)) })
        }
        for end in [0, 1, 350, 2_100, 3_500] as [UInt64] {
            let all = try file.up(from: .beginning, limit: .max).filter { $0.position.rawValue <= end }
            #expect(all.count == Int(end))
            for limit in [1, 100, .max] {
                #expect(try file.up(from: .beginning, through: end, limit: limit) == Array(all.prefix(limit)))
                #expect(try file.down(from: .end, through: end, limit: limit) == Array(all.reversed().prefix(limit)))
            }
        }
    }

    @Test("a timeline has no places of its neighbours")
    func neighbours() throws {
        for conversation: UInt64 in [0, 1, 2, .max] {
            try file.add([row(conversation: conversation, at: Int64(conversation & 3), position: conversation & 3 + 1)])
        }
        for conversation: UInt64 in [0, 1, 2, .max] {
            let expected = [place(Int64(conversation & 3), conversation & 3 + 1)]
            #expect(try file.up(of: conversation, from: .beginning) == expected)
            #expect(try file.down(of: conversation, from: .end) == expected)
        }
        #expect(try file.up(of: 3, from: .beginning).isEmpty && file.down(of: 3, from: .end).isEmpty)
    }

    @Test("counts add up, of each conversation its own")
    func counts() throws {
        try file.add([], [gain("acme", "a", 2, 100), gain("acme", "ab", 1, 10), gain("acm", "ea", 5, 50)])
        try file.add([], [gain("acme", "a", 3, 1)])
        #expect(try file.count("acme\0a\0") == words(5, 101))
        #expect(try file.count("acme\0ab\0") == words(1, 10))
        #expect(try file.count("acm\0ea\0") == words(5, 50))
        #expect(try file.count("acme\0b\0") == nil)
    }

    @Test("counts that nobody wrote so are damage, and no trap")
    func damagedCounts() throws {
        try file.put(words(5), for: Array("acme\0a\0".utf8), in: "counts")
        #expect(throws: ProjectionFailure.self) { try file.add([], [gain("acme", "a", 1, 1)]) }
    }

    @Test("cleared, the indexes are empty, and can be built anew")
    func clears() throws {
        try file.add([row(message: 7, at: 10, position: 5)], [gain("acme", "a", 1, 1)])
        try file.addHoldings([
            .init(key: 1, tenant: "acme", conversation: "a", sender: "s", messages: 1, bytes: 1, first: instant(1), last: instant(1))
        ])
        try file.clear()
        #expect(try file.sizes() == [0, 0, 0])
        #expect(try file.holdings().isEmpty)
        try file.add([row(message: 7, at: 10, position: 5)], [gain("acme", "a", 1, 1)])
        #expect(try file.sizes() == [1, 1, 1])
    }

    @Test("paged by any size, up or down, a timeline is the sorted list of its messages, each once", arguments: [1, 2, 3, 7, 50, 1_000])
    func pages(_ size: Int) throws {
        var random = SeededRandom(for: "timeline pages of \(size)")
        var model: [UInt64: [PartitionIndex.Place]] = [:]
        var position: UInt64 = 0
        for _ in 0..<10 {
            let rows = (0..<30).map { _ in
                position += 1
                return row(
                    conversation: .random(in: 1...3, using: &random), at: .random(in: 0...20, using: &random), position: position)
            }
            for row in rows {
                model[try #require(row.conversation).rawValue, default: []].append(.init(at: row.at, position: row.position))
            }
            try file.add(rows.shuffled(using: &random))
        }
        for (conversation, places) in model {
            let sorted = places.sorted()
            #expect(try file.allUp(of: conversation, by: size) == sorted)
            #expect(try file.allDown(of: conversation, by: size) == sorted.reversed())
            let start = place(.random(in: 0...21, using: &random), .random(in: 0...310, using: &random))
            #expect(try file.up(of: conversation, from: start, limit: size) == Array(sorted.filter { $0 > start }.prefix(size)))
            #expect(
                try file.down(of: conversation, from: start, limit: size) == Array(sorted.filter { $0 < start }.reversed().prefix(size)))
        }
    }
}

private func place(_ at: Int64, _ position: UInt64) -> PartitionIndex.Place {
    PartitionIndex.Place(at: instant(at), position: Position(position))
}

private func row(message: UInt64 = 1, conversation: UInt64? = 1, at: Int64 = 0, position: UInt64) -> PartitionIndex.Row {
    PartitionIndex.Row(
        message: Fingerprint(message), conversation: conversation.map { Fingerprint($0) }, at: instant(at), position: Position(position))
}

private func gain(_ tenant: TenantID, _ conversation: ConversationID, _ messages: UInt64, _ bodyBytes: UInt64) -> ConversationGain {
    ConversationGain(
        key: ConversationKey(tenant, conversation), firstMessage: .first, last: .first, messages: messages, bodyBytes: bodyBytes)
}

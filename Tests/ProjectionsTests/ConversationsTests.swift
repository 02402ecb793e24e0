import Events
import LMDB
import Projections
import TestSupport
import Testing

@Suite("Conversations")
struct ConversationsTests {
    private let state: StateOfTest

    init() throws { state = try StateOfTest() }

    @Test("a conversation that no event names has no summary")
    func unknown() throws {
        #expect(try summary("general") == nil)
        #expect(try count() == 0)
    }

    @Test("messages add up, and the last event is the one with the greatest position, in whatever order they come")
    func sums() throws {
        try add("general", last: 20, messages: 2)
        try add("general", last: 10, messages: 3)
        try add("general", last: 30, messages: 0)
        #expect(try summary("general") == Sum(30, 5))
        #expect(try count() == 1)
    }

    @Test("conversations and tenants of which one is called like the beginning of the other are two")
    func prefixes() throws {
        try add("a", last: 1, messages: 1, tenant: "t")
        try add("ab", last: 2, messages: 2, tenant: "t")
        try add("a", last: 3, messages: 3, tenant: "tt")
        #expect(try summary("a", tenant: "t") == Sum(1, 1))
        #expect(try summary("ab", tenant: "t") == Sum(2, 2))
        #expect(try summary("a", tenant: "tt") == Sum(3, 3))
        #expect(try summary("ta", tenant: "t") == nil)
        #expect(try count() == 3)
    }

    @Test("the partitions of a conversation are in order, each once")
    func presence() throws {
        for partition: Int32 in [300, 2, 255, 256, 2, 0, .max, 300] { try mark("general", partition) }
        #expect(try partitions("general") == [0, 2, 255, 256, 300, .max])
    }

    @Test("as of a position only the partitions count that had a message by then, whatever came later")
    func presenceByPosition() throws {
        for (partition, first) in [(1, 50), (2, 10), (1, 60), (3, 70), (2, 5)] as [(Int32, UInt64)] {
            try add("general", first: first, last: 99, messages: 1, in: partition)
        }
        try add("general", first: Position.last.rawValue, last: 2, messages: 0, in: 9)
        for (end, expected) in [(4, []), (5, [2]), (49, [2]), (50, [1, 2]), (69, [1, 2]), (70, [1, 2, 3])] as [(UInt64, [Int32])] {
            let found = try state.read { file, reader in
                try file.conversations.partitions("acme", "general", through: Position(end), reader)
            }
            #expect(found == expected, "as of \(end)")
        }
    }

    @Test("the partitions of one conversation are not those of another whose name begins alike")
    func presencePrefixes() throws {
        try mark("a", 1, tenant: "t")
        try mark("ab", 2, tenant: "t")
        try mark("a", 3, tenant: "tt")
        try mark("b", 4, tenant: "t")
        #expect(try partitions("a", tenant: "t") == [1])
        #expect(try partitions("ab", tenant: "t") == [2])
        #expect(try partitions("a", tenant: "tt") == [3])
        #expect(try partitions("ta", tenant: "t").isEmpty)
    }

    @Test("names of the greatest length fit into the keys")
    func longNames() throws {
        let name = String(repeating: "n", count: NameFault.bytesMax)
        let (tenant, conversation) = (try TenantID(name), try ConversationID(name))
        try add(conversation, last: UInt64(Int64.max), messages: 1, tenant: tenant, in: .max)
        #expect(try summary(conversation, tenant: tenant)?.last == UInt64(Int64.max))
        #expect(try partitions(conversation, tenant: tenant) == [.max])
    }

    @Test("a summary that nobody wrote so is damage, and no trap")
    func damage() throws {
        for bytes in [[], words(5), Array(words(5, 6).dropLast())] {
            try state.put(bytes, for: Array("acme\0general\0".utf8), in: "conversations")
            #expect(throws: ProjectionFailure.self, "\(bytes)") { try summary("general") }
        }
    }

    @Test("whatever is added and marked is found again as in dictionaries")
    func matchesModel() throws {
        var random = SeededRandom(for: "conversations as dictionaries")
        let names: [ConversationID] = ["a", "ab", "abc", "b", "ba", "公", "公司"]
        var summaries: [ConversationID: Sum] = [:]
        var marks: [ConversationID: Set<Int32>] = [:]
        for _ in 0..<300 {
            let name = names[Int.random(in: 0..<names.count, using: &random)]
            let (last, messages) = (UInt64.random(in: 1...10_000, using: &random), UInt64.random(in: 0...9, using: &random))
            let partition = Int32.random(in: 0...40, using: &random)
            try add(name, last: last, messages: messages, in: partition)
            var summary = summaries[name] ?? Sum(0, 0)
            summary.last = max(summary.last, last)
            summary.messages += messages
            summaries[name] = summary
            if messages > 0 { marks[name, default: []].insert(partition) }
        }
        for name in names {
            #expect(try summary(name) == summaries[name])
            #expect(try partitions(name) == (marks[name] ?? []).sorted())
        }
    }
}

/// A summary in bare numbers.
private struct Sum: Equatable {
    var last: UInt64
    var messages: UInt64

    init(_ last: UInt64, _ messages: UInt64) {
        self.last = last
        self.messages = messages
    }
}

extension ConversationsTests {
    private func add(
        _ conversation: ConversationID, first: UInt64 = 1, last: UInt64, messages: UInt64, tenant: TenantID = "acme",
        in partition: Int32 = 0
    ) throws {
        try state.write { file, transaction in
            let gain = ConversationGain(
                key: ConversationKey(tenant, conversation), firstMessage: Position(first), last: Position(last), messages: messages,
                bodyBytes: 0)
            try file.conversations.add([gain], in: partition, &transaction)
        }
    }

    private func summary(_ conversation: ConversationID, tenant: TenantID = "acme") throws -> Sum? {
        let found = try state.read { file, reader in try file.conversations.summary(tenant, conversation, reader) }
        return found.map { Sum($0.last.rawValue, $0.messages) }
    }

    private func count() throws -> Int {
        try state.read { file, reader in try file.conversations.count(reader) }
    }

    private func mark(_ conversation: ConversationID, _ partition: Int32, tenant: TenantID = "acme") throws {
        try add(conversation, last: 1, messages: 1, tenant: tenant, in: partition)
    }

    private func partitions(_ conversation: ConversationID, tenant: TenantID = "acme") throws -> [Int32] {
        try state.read { file, reader in try file.conversations.partitions(tenant, conversation, reader) }
    }
}

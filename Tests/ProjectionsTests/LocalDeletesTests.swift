import Events
import LMDB
import Projections
import Testing

@Suite("LocalDeletes")
struct LocalDeletesTests {
    private let state: StateOfTest

    init() throws { state = try StateOfTest() }

    @Test("what a viewer hid is hidden from him alone, and only those messages")
    func hides() throws {
        try hide([3, 5], by: "bob", in: 10, at: 100)
        let cause = LocalDeletes.Cause(position: Position(10), at: instant(100))
        #expect(try hide(of: 3, by: "bob") == cause)
        #expect(try hide(of: 5, by: "bob") == cause)
        #expect(try hide(of: 4, by: "bob") == nil)
        #expect(try hide(of: 3, by: "ann") == nil)
    }

    @Test("of several deletes of a message by one viewer the first counts, in whatever order they are applied")
    func firstWins() throws {
        for order in [[10, 11, 12], [12, 11, 10], [11, 10, 12], [11, 12, 10]] as [[UInt64]] {
            let state = try StateOfTest()
            for position in order { try Self(state).hide([3], by: "bob", in: position, at: Int64(1_000 - position)) }
            let cause = try Self(state).hide(of: 3, by: "bob")
            #expect(cause == LocalDeletes.Cause(position: Position(10), at: instant(990)), "\(order)")
        }
    }

    @Test("a delete applied twice changes nothing")
    func twice() throws {
        for _ in 0..<2 {
            try hide([3], by: "bob", in: 10, at: 100)
            try clear(upTo: 9, of: "general", by: "bob", in: 11, at: 110)
        }
        #expect(try hides(of: 3) == [Position(10)])
        #expect(try clears("general", by: "bob").count == 1)
    }

    @Test("everyone who hid a message is found, whatever he is called")
    func hiders() throws {
        try hide([3], by: "a", in: 10, at: 100)
        try hide([3, 4], by: "ab", in: 11, at: 100)
        try hide([3], by: "公", in: 12, at: 100)
        try hide([259], by: "a", in: 13, at: 100)
        #expect(try Set(hides(of: 3)) == [Position(10), Position(11), Position(12)])
        #expect(try hides(of: 4) == [Position(11)])
        #expect(try hides(of: 259) == [Position(13)])
        #expect(try hides(of: 2).isEmpty)
    }

    @Test("viewers of whom one is called like the beginning of the other are two")
    func prefixesOfViewers() throws {
        try hide([3], by: "ab", in: 10, at: 100)
        #expect(try hide(of: 3, by: "a") == nil)
        try clear(upTo: 9, of: "general", by: "ab", in: 11, at: 110)
        #expect(try clears("general", by: "a").isEmpty)
        #expect(try clears("general", by: "ab").map(\.upTo) == [Position(9)])
    }

    @Test("clears are found of one viewer, and of anyone, by position")
    func clears() throws {
        try clear(upTo: 9, of: "general", by: "bob", in: 20, at: 100)
        try clear(upTo: 15, of: "general", by: "bob", in: 300, at: 200)
        try clear(upTo: 4, of: "general", by: "ann", in: 21, at: 300)
        try clear(upTo: 5, of: "other", by: "bob", in: 22, at: 400)
        let bobs = try clears("general", by: "bob")
        #expect(bobs.map(\.upTo) == [Position(9), Position(15)])
        #expect(bobs.map(\.cause.position) == [Position(20), Position(300)])
        #expect(bobs.map(\.cause.at) == [instant(100), instant(200)])
        #expect(try Set(clears("general", by: nil).map(\.cause.position)) == [Position(20), Position(21), Position(300)])
        #expect(try clears("nowhere", by: nil).isEmpty)
    }

    @Test("a viewer's last clear is found that is wanted, and none before it is looked at")
    func lastClear() throws {
        for step in 1...9 as ClosedRange<UInt64> { try clear(upTo: step * 10, of: "general", by: "bob", in: 100 + step, at: Int64(step)) }
        try clear(upTo: 999, of: "general", by: "bobby", in: 200, at: 1)
        try clear(upTo: 999, of: "general", by: "ann", in: 201, at: 1)
        var looks = 0
        let found = try state.read { file, reader in
            try file.deletes.lastClear("acme", "general", by: "bob", reader) { clear in
                looks += 1
                return clear.cause.at <= instant(7)
            }
        }
        #expect(found?.upTo == Position(70))
        #expect(looks == 3)
    }

    @Test("conversations and tenants of which one is called like the beginning of the other are two")
    func prefixesOfConversations() throws {
        try clear(upTo: 1, of: "a", by: "bob", in: 10, at: 100, tenant: "t")
        try clear(upTo: 2, of: "ab", by: "bob", in: 11, at: 100, tenant: "t")
        try clear(upTo: 3, of: "a", by: "bob", in: 12, at: 100, tenant: "tt")
        #expect(try clears("a", by: nil, tenant: "t").map(\.upTo) == [Position(1)])
        #expect(try clears("ab", by: nil, tenant: "t").map(\.upTo) == [Position(2)])
        #expect(try clears("a", by: "bob", tenant: "tt").map(\.upTo) == [Position(3)])
        #expect(try clears("ta", by: nil, tenant: "t").isEmpty)
    }

    @Test("names of the greatest length fit into the keys")
    func longNames() throws {
        let name = String(repeating: "n", count: NameFault.bytesMax)
        try clear(upTo: 1, of: try ConversationID(name), by: try UserID(name), in: .max, at: 100, tenant: try TenantID(name))
        let found = try clears(try ConversationID(name), by: try UserID(name), tenant: try TenantID(name))
        #expect(found.map(\.cause.position) == [.last])
    }

    @Test("rows that nobody wrote so are damage, and no trap")
    func damage() throws {
        let bob = Array("bob\0".utf8)
        for bytes in [[], words(10), words(10, .max)] {
            try state.put(bytes, for: words(3) + bob, in: "hides")
            #expect(throws: ProjectionFailure.self, "\(bytes)") { try hide(of: 3, by: "bob") }
            try state.put(bytes, for: Array("acme\0general\0bob\0".utf8) + words(9), in: "clears")
            #expect(throws: ProjectionFailure.self, "\(bytes)") { try clears("general", by: "bob") }
        }
    }
}

extension LocalDeletesTests {
    private init(_ state: StateOfTest) { self.state = state }

    private func hide(_ messages: [UInt64], by viewer: UserID, in position: UInt64, at: Int64) throws {
        let targets = messages.map { LocalDelete.Target(position: Position($0), messageID: "m") }
        try apply(LocalDelete(conversation: "general", viewer: viewer, extent: .messages(targets)), "acme", position, at)
    }

    private func clear(
        upTo: UInt64, of conversation: ConversationID, by viewer: UserID, in position: UInt64, at: Int64, tenant: TenantID = "acme"
    ) throws {
        try apply(LocalDelete(conversation: conversation, viewer: viewer, extent: .upTo(Position(upTo))), tenant, position, at)
    }

    private func apply(_ deletion: LocalDelete, _ tenant: TenantID, _ position: UInt64, _ at: Int64) throws {
        let cause = LocalDeletes.Cause(position: Position(position), at: instant(at))
        try state.write { file, transaction in try file.deletes.apply(deletion, tenant: tenant, cause: cause, &transaction) }
    }

    private func hide(of message: UInt64, by viewer: UserID) throws -> LocalDeletes.Cause? {
        try state.read { file, reader in try file.deletes.hide(of: Position(message), by: viewer, reader) }
    }

    private func hides(of message: UInt64) throws -> [Position] {
        try state.read { file, reader in try file.deletes.hides(of: Position(message), reader) }
    }

    private func clears(_ conversation: ConversationID, by viewer: UserID?, tenant: TenantID = "acme") throws -> [LocalDeletes.Clear] {
        try state.read { file, reader in
            guard let viewer else { return try file.deletes.clears(tenant, conversation, reader) }
            var found: [LocalDeletes.Clear] = []
            let last = try file.deletes.lastClear(tenant, conversation, by: viewer, reader) { clear in
                found.append(clear)
                return false
            }
            #expect(last == nil)
            return found.reversed()
        }
    }
}

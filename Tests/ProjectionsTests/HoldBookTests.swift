import Events
import Projections
import TestSupport
import Testing

@Suite("HoldBook")
struct HoldBookTests {
    @Test("a hold stands from its position on until it is released")
    func standing() {
        var book = HoldBook()
        #expect(book.isEmpty)
        book.place(3, "h", at: 30)
        book.release("h", position: Position(5), at: instant(50))
        #expect(!book.isEmpty)
        let byPosition = [2, 3, 4, 5].map { book.standing(within: Horizon($0, at: 99)).count }
        #expect(byPosition == [0, 1, 1, 0])
        let byTime = [29, 30, 49, 50].map { book.standing(within: Horizon(at: $0)).count }
        #expect(byTime == [0, 1, 1, 0])
    }

    @Test("all are those that were known then, and not yet released what was released since")
    func all() {
        var book = HoldBook()
        book.place(1, "a", at: 10)
        book.place(2, "b", at: 20)
        book.release("a", position: Position(3), at: instant(30))
        #expect(book.all(within: .all).map(\.released?.position) == [Position(3), nil])
        #expect(book.all(within: Horizon(at: 29)).map(\.released) == [nil, nil])
        #expect(book.all(within: Horizon(1, at: 99)).map(\.hold.id) == ["a"])
    }

    @Test("what is written down twice is there once, and the first release counts")
    func twice() {
        var book = HoldBook()
        for _ in 0..<2 {
            book.place(1, "a")
            book.release("a", position: Position(2), at: instant(2))
            book.release("a", position: Position(3), at: instant(3))
            book.release("b", position: Position(4), at: instant(4))
        }
        #expect(book.all(within: .all).count == 1)
        #expect(book.entry("a")?.released?.position == Position(2))
        #expect(book.entry("b") == nil)
    }

    @Test("a name that is given again means the later hold, and an old release is not its")
    func nameGivenAgain() {
        var book = HoldBook()
        for _ in 0..<2 {
            book.place(1, "a", Coverage(tenant: "acme"))
            book.release("a", position: Position(2), at: instant(2))
            book.place(3, "a", Coverage(tenant: "zeta"), by: .user(7))
        }
        #expect(book.entry("a")?.placed.position == Position(3))
        #expect(book.entry("a")?.released == nil)
        #expect(book.entry("a")?.principal == .user(7))
        #expect(book.standing(within: .all).map(\.hold.coverage) == [Coverage(tenant: "zeta")])
        #expect(book.holds(covering: "acme", "c", "s", at: instant(0), within: .all).isEmpty)
    }

    @Test("a conversation's holds are those that name it, not those around it")
    func conversations() {
        var book = HoldBook()
        book.place(1, "system", .everything)
        book.place(2, "tenant", Coverage(tenant: "acme"))
        #expect(!book.hasConversationHold("acme", "general", within: .all))
        book.place(3, "conversation", Coverage(tenant: "acme", conversation: "general", sender: "alice"), at: 30)
        #expect(book.hasConversationHold("acme", "general", within: .all))
        #expect(!book.hasConversationHold("acme", "general", within: Horizon(at: 29)))
        #expect(!book.hasConversationHold("acme", "other", within: .all))
        #expect(!book.hasConversationHold("zeta", "general", within: .all))
    }

    @Test("the holds on a message are those found by looking through them all, by position")
    func matchesModel() {
        var random = SeededRandom(for: "hold book as a list")
        var book = HoldBook()
        for position: UInt64 in 1...300 {
            let id = random.hold()
            if let known = book.entry(id), known.released == nil {
                book.release(id, position: Position(position), at: random.time())
            } else {
                book.place(position, id, random.coverage(), at: random.time().milliseconds)
            }
            let horizon = Horizon(.random(in: 0...310, using: &random), at: random.time().milliseconds)
            let (tenant, conversation, sender, at) = (random.tenant(), random.conversation(), random.sender(), random.time())
            let expected = book.all(within: horizon).filter {
                $0.released == nil && $0.hold.coverage.covers(tenant, conversation, sender, at: at)
            }
            let found = book.holds(covering: tenant, conversation, sender, at: at, within: horizon)
            #expect(found.map(\.placed) == expected.map(\.placed))
            #expect(book.standing(within: horizon).map(\.placed) == book.all(within: horizon).filter { $0.released == nil }.map(\.placed))
        }
    }
}

extension HoldBook {
    fileprivate mutating func place(
        _ position: UInt64, _ id: HoldID, _ coverage: Coverage = .everything, at: Int64 = 0, by principal: Principal = .system
    ) {
        place(
            HoldPlace(id: id, coverage: coverage, matter: "m", reason: ""), position: Position(position), at: instant(at),
            principal: principal)
    }
}

extension SeededRandom {
    fileprivate mutating func time() -> Instant { instant(.random(in: 0...60, using: &self)) }
    fileprivate mutating func hold() -> HoldID { ["a", "b", "c", "d", "e"][Int.random(in: 0..<5, using: &self)] }
    fileprivate mutating func tenant() -> TenantID { chance(of: 1, in: 2) ? "acme" : "zeta" }
    fileprivate mutating func conversation() -> ConversationID { chance(of: 1, in: 2) ? "general" : "other" }
    fileprivate mutating func sender() -> UserID { chance(of: 1, in: 2) ? "alice" : "bob" }

    fileprivate mutating func coverage() -> Coverage {
        if chance(of: 1, in: 4) { return Coverage(from: time()) }
        return Coverage(
            tenant: tenant(), conversation: chance(of: 1, in: 2) ? nil : conversation(), sender: chance(of: 1, in: 2) ? nil : sender(),
            until: chance(of: 1, in: 2) ? nil : time())
    }
}

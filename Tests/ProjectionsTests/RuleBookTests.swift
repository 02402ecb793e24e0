import Events
import Projections
import Testing

@Suite("RuleBook")
struct RuleBookTests {
    private func event(_ position: UInt64, _ deed: Event.Deed) -> Event {
        Event(position: Position(position), at: instant(Int64(position)), principal: .user(7), tenant: nil, deed: deed)
    }

    private let change = RetentionChange(scope: .system, rule: .keep(.days(9)), effectiveAt: instant(900), reason: "")
    private let hold = HoldPlace(id: "h", coverage: .everything, matter: "m", reason: "")

    @Test("what changes what may be destroyed is the last rule; purges, the clock, messages and readings are not")
    func last() {
        var book = RuleBook()
        #expect(book.last == .none)
        let line = PurgeLine(partition: 1, tenant: "acme", keys: [], messages: 0, conversations: 0, bytes: 0)
        let deeds: [(Event.Deed, UInt64)] = [
            (.clockConfirm(ClockConfirm(wall: instant(1), reason: "")), 0),
            (.retentionChange(change), 2),
            (.localDelete(LocalDelete(conversation: "general", viewer: "bob", extent: .upTo(.first))), 2),
            (.retentionCancel(RetentionCancel(scope: .system, change: Position(2), reason: "")), 4),
            (.purgeIntent(.ofTest(lines: [line])), 4),
            (.holdPlace(hold), 6),
            (.purge(Purge(intent: Position(5), outcome: .destroyed, messages: 0, bytes: 0, keys: 0, digest: .counting)), 6),
            (.holdRelease(HoldRelease(id: "h", coverage: .everything, reason: "")), 8),
            (.access(Access(.messageHistory, bodies: 1, reason: "r")), 8),
        ]
        for (index, (deed, last)) in deeds.enumerated() {
            book.apply(event(UInt64(index) + 1, deed))
            #expect(book.last == Position(last))
        }
        #expect(book.policies.entry(at: Position(2))?.entry.cancelled?.position == Position(4))
        #expect(book.holds.entry("h")?.released?.position == Position(8))
        #expect(book.holds.entry("h")?.principal == .user(7))
        #expect(book.purges.last?.principal == .user(7))
    }

    @Test("a copy knows nothing of what came later")
    func copies() {
        var book = RuleBook()
        book.apply(event(1, .retentionChange(change)))
        let before = book
        book.apply(event(2, .holdPlace(hold)))
        book.apply(event(3, .retentionCancel(RetentionCancel(scope: .system, change: Position(1), reason: ""))))
        #expect(before.holds.isEmpty)
        #expect(before.policies.entry(at: Position(1))?.entry.cancelled == nil)
        #expect(before.last == Position(1))
    }
}

import Events
import Projections
import Testing

@Suite("PurgeBook")
struct PurgeBookTests {
    private func line(_ partition: Int32, _ tenant: TenantID, keys: [UInt64] = [1]) -> PurgeLine {
        PurgeLine(partition: partition, tenant: tenant, keys: keys, messages: 10, conversations: 1, bytes: 100)
    }

    private func receipt(_ intent: UInt64, _ outcome: PurgeOutcome = .destroyed) -> Purge {
        Purge(intent: Position(intent), outcome: outcome, messages: 9, bytes: 99, keys: 3, digest: .counting)
    }

    @Test("an intent is open until its receipt, whatever that says", arguments: PurgeOutcome.allCases)
    func open(_ outcome: PurgeOutcome) {
        var book = PurgeBook()
        let intent = PurgeIntent.ofTest(lines: [line(1, "acme")])
        book.intend(intent, position: Position(6), at: instant(60), principal: .system)
        #expect(book.open.map(\.position) == [Position(6)])
        #expect(book.open.first?.intent == intent)
        book.settle(receipt(6, outcome), position: Position(7), at: instant(70))
        #expect(book.open.isEmpty)
    }

    @Test("a receipt is found by each partition and tenant that its intent names, with what the intent knew")
    func receipts() throws {
        var book = PurgeBook()
        let coverage = Coverage(from: instant(3))
        book.intend(
            .ofTest(
                coverage: coverage, basis: .before(instant(40)), horizon: Horizon(4, at: 44),
                lines: [line(1, "acme"), line(1, "zeta"), line(2, "acme")]),
            position: Position(6), at: instant(60), principal: .system)
        #expect(book.receipts(of: 1, tenant: "acme").isEmpty)
        book.settle(receipt(6), position: Position(7), at: instant(70))
        let settled = try #require(book.receipts(of: 1, tenant: "zeta").first)
        #expect(settled.receipt == Position(7) && settled.receiptAt == instant(70) && settled.intent == Position(6))
        #expect(settled.coverage == coverage && settled.basis == .before(instant(40)))
        #expect(settled.horizon == Horizon(4, at: 44))
        #expect(book.receipts(of: 2, tenant: "acme") == [settled])
        #expect(book.receipts(of: 2, tenant: "zeta").isEmpty && book.receipts(of: 3, tenant: "acme").isEmpty)
    }

    @Test("the receipts of a place are in order of position, and none is there of what was withdrawn")
    func severalReceipts() {
        var book = PurgeBook()
        for (intent, outcome) in [(1, PurgeOutcome.destroyed), (3, .withdrawn), (5, .destroyed)] as [(UInt64, PurgeOutcome)] {
            book.intend(.ofTest(lines: [line(1, "acme")]), position: Position(intent), at: instant(0), principal: .system)
            book.settle(receipt(intent, outcome), position: Position(intent + 1), at: instant(0))
        }
        #expect(book.receipts(of: 1, tenant: "acme").map(\.receipt) == [Position(2), Position(6)])
        #expect(book.last?.position == Position(6))
    }

    @Test("the list has the newest first, withdrawn ones too, and no more than asked for")
    func list() throws {
        var book = PurgeBook()
        #expect(book.last == nil)
        let lines = [line(1, "acme", keys: [1, 2]), line(1, "zeta", keys: [3]), line(2, "acme", keys: [4])]
        book.intend(.ofTest(lines: lines), position: Position(1), at: instant(10), principal: .user(7))
        book.settle(receipt(1), position: Position(2), at: instant(20))
        book.intend(.ofTest(lines: lines), position: Position(3), at: instant(30), principal: .system)
        book.settle(receipt(3, .withdrawn), position: Position(4), at: instant(40))
        #expect(book.list(newest: 9).map(\.position) == [Position(4), Position(2)])
        #expect(book.list(newest: 1).map(\.outcome) == [.withdrawn])
        #expect(book.list(newest: 0).isEmpty)
        let first = try #require(book.list(newest: 2).last)
        #expect(first.at == instant(20) && first.intent == Position(1) && first.intentAt == instant(10))
        #expect(first.principal == .user(7) && first.partitions == 2 && first.digest == .counting)
        #expect([first.messages, first.bytes, first.keys] == [9, 99, 3])
    }

    @Test("what is written down twice is there once, and a receipt of nothing is none")
    func twice() {
        var book = PurgeBook()
        for _ in 0..<2 {
            book.intend(.ofTest(lines: [line(1, "acme")]), position: Position(1), at: instant(0), principal: .system)
            book.settle(receipt(1), position: Position(2), at: instant(0))
            book.settle(receipt(9), position: Position(3), at: instant(0))
        }
        #expect(book.open.isEmpty)
        #expect(book.list(newest: 9).count == 1)
        #expect(book.receipts(of: 1, tenant: "acme").count == 1)
    }
}

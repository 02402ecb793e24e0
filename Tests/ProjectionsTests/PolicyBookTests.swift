import Events
import Projections
import TestSupport
import Testing

@Suite("PolicyBook")
struct PolicyBookTests {
    private let tenant = Scope.tenant("acme")
    private let conversation = Scope.conversation("acme", "general")

    @Test("where nobody decided anything it is 180 days, from no scope")
    func nothingDecided() {
        let inForce = PolicyBook().inForce(for: conversation, within: .all)
        #expect(inForce.period == .days(180))
        #expect(inForce.from == nil && inForce.entry == nil)
    }

    @Test("the conversation's policy counts, else the tenant's, else the system's")
    func inheritance() {
        var book = PolicyBook()
        book.record(1, .system, .keep(.days(90)))
        #expect(book.period(of: conversation) == .days(90))
        book.record(2, tenant, .keep(.years(5)))
        #expect(book.period(of: conversation) == .years(5))
        book.record(3, conversation, .keep(.forever))
        #expect(book.period(of: conversation) == .forever)
        #expect(book.period(of: tenant) == .years(5))
        #expect(book.period(of: .system) == .days(90))
        #expect(book.period(of: .conversation("acme", "other")) == .years(5))
        #expect(book.period(of: .conversation("ac", "general")) == .days(90))
    }

    @Test("an answer says which scope it comes from, and which change")
    func origins() {
        var book = PolicyBook()
        book.record(7, tenant, .keep(.years(5)))
        let inForce = book.inForce(for: conversation, within: .all)
        #expect(inForce.from == tenant)
        #expect(inForce.entry?.position == Position(7))
    }

    @Test("a scope that inherits again has the wider one's policy; a system that does has the default")
    func inheritsAgain() {
        var book = PolicyBook()
        book.record(1, tenant, .keep(.years(5)))
        book.record(2, conversation, .keep(.days(1)))
        book.record(3, conversation, .inherit)
        #expect(book.period(of: conversation) == .years(5))
        book.record(4, tenant, .inherit)
        #expect(book.period(of: conversation) == .systemDefault)
        book.record(5, .system, .keep(.weeks(2)))
        book.record(6, .system, .inherit)
        #expect(book.period(of: conversation) == .systemDefault)
    }

    @Test("of two changes the one that took effect later counts, whichever came in first")
    func effectiveAt() {
        var book = PolicyBook()
        book.record(10, tenant, .keep(.days(30)), at: 5_000)
        book.record(11, tenant, .keep(.forever), at: 1_000, effective: 1_000)
        #expect(book.period(of: tenant) == .days(30))
        #expect(book.period(of: tenant, asOf: 4_999) == .forever)
        #expect(book.period(of: tenant, asOf: 999) == .systemDefault)
    }

    @Test("of two that take effect at the same time the later position counts")
    func sameTime() {
        var book = PolicyBook()
        book.record(11, tenant, .keep(.days(11)), effective: 5_000)
        book.record(10, tenant, .keep(.days(10)), effective: 5_000)
        #expect(book.period(of: tenant) == .days(11))
    }

    @Test("a change is in force from its time on, not a millisecond before")
    func notYet() {
        var book = PolicyBook()
        book.record(1, tenant, .keep(.days(30)), at: 1_000, effective: 9_000)
        #expect(book.period(of: tenant, asOf: 8_999) == .systemDefault)
        #expect(book.period(of: tenant, asOf: 9_000) == .days(30))
    }

    @Test("as of a time, a change that was made later is not known, even if it says it took effect before")
    func asOfTime() {
        var book = PolicyBook()
        book.record(1, tenant, .keep(.days(30)), at: 6_000, effective: 1_000)
        #expect(book.period(of: tenant, asOf: 5_999) == .systemDefault)
        #expect(book.period(of: tenant, asOf: 6_000) == .days(30))
    }

    @Test("as of a position, a change behind it is not known, whatever its time")
    func asOfPosition() {
        var book = PolicyBook()
        book.record(4, tenant, .keep(.days(4)), at: 100)
        book.record(9, tenant, .keep(.days(9)), at: 200)
        let at: (UInt64) -> Period = { position in
            book.inForce(for: tenant, within: Horizon(position: Position(position), time: .distantFuture)).period
        }
        #expect([3, 4, 8, 9].map(at) == [.systemDefault, .days(4), .days(4), .days(9)])
    }

    @Test("a change written down twice is there once")
    func sameTwice() {
        var book = PolicyBook()
        for _ in 0..<2 {
            book.record(1, tenant, .keep(.days(1)), effective: 50)
            book.record(2, tenant, .keep(.days(2)), effective: 50)
            book.record(3, tenant, .keep(.days(3)), effective: 40)
        }
        #expect(book.history(of: tenant).map(\.position) == [Position(1), Position(2), Position(3)])
        #expect(book.history(of: conversation).isEmpty)
    }

    @Test("a twin says the same of the same scope at the same time")
    func twins() {
        var book = PolicyBook()
        book.record(5, tenant, .keep(.forever), at: 100, effective: 900)
        // When it takes effect depends on when it came in.
        #expect(book.twin(of: .keep(.forever), of: tenant, at: 100) == Position(5))
        #expect(book.twin(of: .keep(.forever), of: tenant, at: 101) == nil)
        #expect(book.twin(of: .keep(.forever), isLocked: true, of: tenant, at: 100) == nil)
        #expect(book.twin(of: .keep(.forever), .floor, of: tenant, at: 100) == nil)
        #expect(book.twin(of: .inherit, of: tenant, at: 100) == nil)
        #expect(book.twin(of: .keep(.forever), of: .system, at: 100) == nil)
    }

    @Test("what came without a lock is the twin of one that was locked because its scope was")
    func lockedTwin() {
        var book = PolicyBook()
        let locked = RetentionChange(
            scope: tenant, rule: .keep(.forever), isLocked: true, effectiveAt: Instant(milliseconds: 100), reason: "")
        book.record(locked, position: Position(5), at: Instant(milliseconds: 100))
        for isLocked in [true, false] {
            #expect(book.twin(of: .keep(.forever), isLocked: isLocked, of: tenant, at: 100) == Position(5))
        }
    }
}

extension PolicyBook {
    /// A change that is made, unless it says otherwise, at the first of all times, and takes effect when it is made.
    fileprivate mutating func record(
        _ position: UInt64, _ scope: Scope, _ rule: RetentionChange.Rule, at: Int64 = 0, effective: Int64? = nil
    ) {
        let change = RetentionChange(scope: scope, rule: rule, effectiveAt: Instant(milliseconds: effective ?? at), reason: "")
        record(change, position: Position(position), at: Instant(milliseconds: at))
    }

    fileprivate func period(of scope: Scope, asOf time: Int64? = nil) -> Period {
        let time = time.map { Instant(milliseconds: $0) } ?? .distantFuture
        return inForce(for: scope, within: Horizon(position: .last, time: time)).period
    }

    fileprivate func twin(
        of rule: RetentionChange.Rule, _ target: RetentionTarget = .policy, isLocked: Bool = false, of scope: Scope, at: Int64
    ) -> Position? {
        twin(of: rule, target, isLocked: isLocked, for: scope, at: Instant(milliseconds: at))?.position
    }
}

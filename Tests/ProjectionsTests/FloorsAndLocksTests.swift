import Events
import Projections
import Testing

@Suite("PolicyBook's floors, locks and cancels")
struct FloorsAndLocksTests {
    private let tenant = Scope.tenant("acme")
    private let conversation = Scope.conversation("acme", "general")

    @Test("a floor of each scope counts, narrowest first, and none makes a policy")
    func floors() {
        var book = PolicyBook()
        book.floor(1, .system, .keep(.days(1)))
        book.floor(2, tenant, .keep(.years(5)))
        book.floor(3, conversation, .keep(.days(3)))
        let floors = book.floors(for: conversation, within: .all)
        #expect(floors.map(\.scope) == [conversation, tenant, .system])
        #expect(floors.map(\.entry.position) == [Position(3), Position(2), Position(1)])
        #expect(book.terms(for: conversation, within: .all) == Terms(policy: .systemDefault, floors: [.days(3), .years(5), .days(1)]))
        #expect(book.terms(for: .tenant("other"), within: .all) == Terms(policy: .systemDefault, floors: [.days(1)]))
        #expect(book.terms(for: .system, within: .all).floors == [.days(1)])
    }

    @Test("a scope that gives its floor up still has the wider ones")
    func floorGivenUp() {
        var book = PolicyBook()
        book.floor(1, .system, .keep(.days(1)))
        book.floor(2, tenant, .keep(.years(5)))
        book.floor(3, tenant, .inherit, at: 10)
        #expect(book.floors(for: tenant, within: .all).map(\.scope) == [.system])
        #expect(book.floors(for: tenant, within: Horizon(at: 9)).map(\.scope) == [tenant, .system])
    }

    @Test("policy and floor of a scope do not supersede each other")
    func targetsApart() {
        var book = PolicyBook()
        book.policy(1, tenant, .keep(.days(30)))
        book.floor(2, tenant, .keep(.days(60)))
        #expect(book.rule(of: tenant, within: .all)?.position == Position(1))
        #expect(book.rule(of: tenant, target: .floor, within: .all)?.position == Position(2))
        #expect(book.history(of: tenant).map(\.target) == [.policy, .floor])
    }

    @Test("what waits is undone by a later decision that takes effect no later")
    func supersedes() {
        var book = PolicyBook()
        book.policy(1, tenant, .keep(.days(30)), at: 10, effective: 70)
        #expect(book.pending(of: tenant, within: Horizon(at: 20)).map(\.position) == [Position(1)])
        book.policy(2, tenant, .keep(.forever), at: 20)
        #expect(book.pending(of: tenant, within: Horizon(at: 20)).isEmpty)
        #expect(book.rule(of: tenant, within: .all)?.position == Position(2))
        // Before it was made, nobody knew.
        #expect(book.pending(of: tenant, within: Horizon(1, at: 20)).map(\.position) == [Position(1)])
        #expect(book.rule(of: tenant, within: Horizon(1, at: 70))?.position == Position(1))
    }

    @Test("a later decision that takes effect later leaves what waits before it")
    func bothPending() {
        var book = PolicyBook()
        book.policy(1, tenant, .keep(.days(30)), at: 10, effective: 70)
        book.policy(2, tenant, .keep(.days(20)), at: 20, effective: 80)
        #expect(book.pending(of: tenant, within: Horizon(at: 20)).map(\.position) == [Position(1), Position(2)])
        #expect(book.rule(of: tenant, within: Horizon(at: 79))?.position == Position(1))
        #expect(book.rule(of: tenant, within: Horizon(at: 80))?.position == Position(2))
    }

    @Test("an imported decision of long ago supersedes nothing")
    func imported() {
        var book = PolicyBook()
        book.policy(1, tenant, .keep(.days(30)), at: 100)
        book.policy(2, tenant, .keep(.forever), at: 10)
        #expect(book.rule(of: tenant, within: .all)?.position == Position(1))
    }

    @Test("a change that was taken back never takes effect; what it superseded stays undone")
    func cancels() {
        var book = PolicyBook()
        book.policy(1, tenant, .keep(.days(30)), at: 10, effective: 70)
        book.policy(2, tenant, .keep(.days(20)), at: 20, effective: 60)
        #expect(book.pending(of: tenant, within: Horizon(at: 50)).map(\.position) == [Position(2)])
        book.cancel(Position(2), position: Position(3), at: Instant(milliseconds: 30))
        #expect(book.pending(of: tenant, within: Horizon(at: 50)).isEmpty)
        #expect(book.pending(of: tenant, within: Horizon(2, at: 50)).map(\.position) == [Position(2)])
        #expect(book.pending(of: tenant, within: Horizon(at: 29)).map(\.position) == [Position(2)])
        #expect(book.pending(of: tenant, within: Horizon(1, at: 50)).map(\.position) == [Position(1)])
        #expect(book.rule(of: tenant, within: .all) == nil)
        let cancelled = book.entry(at: Position(2))?.entry.cancelled
        #expect(cancelled == LogPlace(position: Position(3), at: Instant(milliseconds: 30)))
    }

    @Test("taken back twice, the first time counts; what nobody knows is not taken back")
    func cancelsTwice() {
        var book = PolicyBook()
        book.floor(1, tenant, .keep(.days(30)), at: 10, effective: 70)
        for position: UInt64 in [3, 4, 3] { book.cancel(Position(1), position: Position(position), at: .distantPast) }
        book.cancel(Position(2), position: Position(5), at: .distantPast)
        #expect(book.entry(at: Position(1))?.entry.cancelled?.position == Position(3))
    }

    @Test("a change is found by its position, with its scope")
    func byPosition() {
        var book = PolicyBook()
        book.policy(1, .system, .inherit)
        book.floor(2, tenant, .keep(.days(2)))
        #expect(book.entry(at: Position(1))?.scope == .system)
        #expect(book.entry(at: Position(2))?.scope == tenant)
        #expect(book.entry(at: Position(2))?.entry.target == .floor)
        #expect(book.entry(at: Position(3)) == nil)
        #expect(Set(book.scopes) == [.system, tenant])
    }

    @Test("the lock is the longest of those in force and those that wait")
    func locks() {
        var book = PolicyBook()
        #expect(book.lock(of: tenant, target: .policy, within: .all) == nil)
        book.policy(1, tenant, .keep(.days(30)), at: 10)
        #expect(book.lock(of: tenant, target: .policy, within: .all) == nil)
        book.policy(2, tenant, .keep(.days(40)), at: 20, isLocked: true)
        book.policy(3, tenant, .keep(.days(50)), at: 30, effective: 90, isLocked: true)
        #expect(book.lock(of: tenant, target: .policy, within: Horizon(at: 29))?.position == Position(2))
        #expect(book.lock(of: tenant, target: .policy, within: Horizon(at: 30))?.position == Position(3))
        #expect(book.lock(of: tenant, target: .floor, within: Horizon(at: 30)) == nil)
        book.cancel(Position(3), position: Position(4), at: Instant(milliseconds: 40))
        #expect(book.lock(of: tenant, target: .policy, within: Horizon(at: 40))?.position == Position(2))
    }

    @Test("a conversation has its own policy if it has one, or a floor, that is in force")
    func ownPolicies() {
        var book = PolicyBook()
        book.policy(1, tenant, .keep(.days(30)))
        #expect(!book.hasOwnPolicy("acme", "general", within: .all))
        book.policy(2, conversation, .keep(.days(30)), at: 10)
        book.policy(3, conversation, .inherit, at: 20)
        book.floor(4, conversation, .keep(.days(1)), at: 30)
        let own = [9, 10, 20, 30].map { book.hasOwnPolicy("acme", "general", within: Horizon(at: $0)) }
        #expect(own == [false, true, false, true])
        #expect(!book.hasOwnPolicy("acme", "other", within: .all))
    }
}

extension PolicyBook {
    fileprivate mutating func policy(
        _ position: UInt64, _ scope: Scope, _ rule: RetentionChange.Rule, at: Int64 = 0, effective: Int64? = nil, isLocked: Bool = false
    ) {
        let change = RetentionChange(
            scope: scope, rule: rule, isLocked: isLocked, effectiveAt: Instant(milliseconds: effective ?? at), reason: "")
        record(change, position: Position(position), at: Instant(milliseconds: at))
    }

    fileprivate mutating func floor(
        _ position: UInt64, _ scope: Scope, _ rule: RetentionChange.Rule, at: Int64 = 0, effective: Int64? = nil
    ) {
        let change = RetentionChange(
            scope: scope, target: .floor, rule: rule, effectiveAt: Instant(milliseconds: effective ?? at), reason: "")
        record(change, position: Position(position), at: Instant(milliseconds: at))
    }
}

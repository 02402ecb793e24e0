import Events
import Projections
import Testing

@testable import Archive

@Suite("Judgement")
struct JudgementTests {
    private let tenant: Scope
    private let conversation: Scope
    private let now = Scratch.start

    init() throws {
        tenant = .tenant(try TenantID("acme"))
        conversation = .conversation(try TenantID("acme"), try ConversationID("general"))
    }

    @Test("before its time nothing is destroyed that a locked policy keeps, be it the conversation's, its tenant's or the system's")
    func lockedAnywhere() throws {
        for locked in [conversation, tenant, .system] {
            let rules = book([(locked, .years(1), true)])
            #expect(try fates(rules, ages: [10, 364, 366]) == [.locked, .locked, .due], "\(locked)")
        }
    }

    @Test("a policy without a lock takes none away from the wider one, whether it is as long, shorter or longer")
    func lockAround() throws {
        let locked = (tenant, Period.years(1), true)
        #expect(try fates(book([locked, (conversation, .years(1), false)]), ages: [10, 364, 366]) == [.locked, .locked, .due])
        #expect(try fates(book([locked, (conversation, .years(2), false)]), ages: [10, 364, 366, 800]) == [.locked, .locked, .due, .due])
        // A shorter one that was there before: what has expired by it is due.
        #expect(try fates(book([locked, (conversation, .days(30), false)]), ages: [10, 29, 31, 364]) == [.locked, .locked, .due, .due])
        let both = book([locked, (.system, .years(2), true), (conversation, .years(3), false)])
        #expect(try fates(both, ages: [364, 366, 700, 800]) == [.locked, .locked, .locked, .due])
        #expect(try fates(book([(tenant, .forever, true), (conversation, .days(30), false)]), ages: [10, 31]) == [.locked, .due])
    }

    @Test("the days of a stretch have one fate only if no lock ends between them")
    func lockedStretch() throws {
        let bench = try bench(book([(tenant, .years(1), true), (conversation, .years(2), false)]))
        #expect(bench.fate(in: Stretch(from: ago(370), through: ago(368))) == .due)
        #expect(bench.fate(in: Stretch(from: ago(366), through: ago(364))) == nil)
        #expect(bench.fate(in: Stretch(from: ago(364), through: ago(360))) == .locked)
    }

    /// Policies that are all in force.
    private func book(_ policies: [(scope: Scope, period: Period, isLocked: Bool)]) -> RuleBook {
        var rules = RuleBook()
        for (index, policy) in policies.enumerated() {
            let change = RetentionChange(
                scope: policy.scope, rule: .keep(policy.period), isLocked: policy.isLocked, effectiveAt: .distantPast, reason: "because")
            rules.apply(
                Event(
                    position: Position(UInt64(index) + 1), at: .distantPast, principal: .user(0), tenant: policy.scope.tenant,
                    deed: .retentionChange(change)))
        }
        return rules
    }

    private func bench(_ rules: RuleBook) throws -> Bench {
        let judgement = Judgement(
            rules, coverage: .everything, basis: .before(now), horizon: Horizon(position: .last, time: now))
        return judgement.bench(try TenantID("acme"), try ConversationID("general"), try UserID("ann"))
    }

    private func ago(_ days: Int) -> Instant { now.advanced(byMilliseconds: -Int64(days) * Instant.millisecondsPerDay) }

    /// Of messages that are so many days old.
    private func fates(_ rules: RuleBook, ages: [Int]) throws -> [Fate] {
        let bench = try bench(rules)
        return ages.map { bench.fate(at: ago($0)) }
    }
}

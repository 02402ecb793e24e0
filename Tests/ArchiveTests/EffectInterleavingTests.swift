import Events
import Synchronization
import Testing
import Vault

@testable import Archive

/// A rule that was pending when a purge was planned, and takes effect between two of its steps: the machine is stepped.
@Suite("Rules that take effect while something is destroyed")
struct EffectInterleavingTests {
    private let hour: Int64 = 3_600_000

    /// "due" has expired under 30 days, and has not under a month, which is pending for another 18 minutes.
    private func filled() throws -> Scratch {
        let scratch = try Scratch {
            $0.purge.isAutomatic = false
            $0.coolOffMilliseconds = 2 * hour
        }
        scratch.lendAppender()
        scratch.clock.advance(days: 12)
        let tenant = Scope.tenant(try TenantID("acme"))
        #expect(try scratch.keep(tenant, "30d").isAppended)
        scratch.send(.init("due"))
        scratch.clock.advance(days: 30, milliseconds: -hour)
        #expect(try scratch.keep(tenant, "1mo").isAppended)
        scratch.clock.advance(milliseconds: 2 * hour - hour * 3 / 10)
        scratch.archive.flush()
        return scratch
    }

    @Test("before its keys are bound to die nothing is destroyed that counts as alive by then", arguments: 0...2)
    func takesEffect(place: Int) throws {
        let scratch = try filled()
        let upkeep = scratch.archive.upkeep
        let plan = try upkeep.plan(coverage: .everything, basis: .expired)
        try #require(plan.messages == 1)
        var run = PurgeRun(scratch.archive.core, try #require(plan.intents().first)) { upkeep.append($0, by: .system) }
        for _ in 0..<place { try run.advance(flush: scratch.archive.flush) }
        scratch.clock.advance(milliseconds: hour / 2)
        while !run.isOver { try run.advance(flush: scratch.archive.flush) }
        switch run.state {
        case .refused(let refusal): #expect(place == 0 && refusal.code == .conflict)
        case .withdrawn: #expect(place > 0 && run.hindrance?.code == .conflict)
        default: Issue.record("\(run.state)")
        }
        #expect(try scratch.message("due")?.state == .visible)
        #expect(try AuditCopies.verifyLive(scratch.path).findings.isEmpty)
    }

    @Test("what is done before it takes effect is done, and a verification says so")
    func before() throws {
        let scratch = try filled()
        let upkeep = scratch.archive.upkeep
        let plan = try upkeep.plan(coverage: .everything, basis: .expired)
        var run = PurgeRun(scratch.archive.core, try #require(plan.intents().first)) { upkeep.append($0, by: .system) }
        for _ in 0..<4 { try run.advance(flush: scratch.archive.flush) }
        scratch.clock.advance(milliseconds: hour / 2)
        while !run.isOver { try run.advance(flush: scratch.archive.flush) }
        if case .done = run.state {} else { Issue.record("\(run.state)") }
        #expect(try scratch.message("due")?.state == .purged)
        scratch.archive.flush()
        #expect(try AuditCopies.verifyLive(scratch.path).findings.isEmpty)
    }

    @Test("a plan of several portions that is stopped says what it has destroyed by then")
    func portions() throws {
        let clock = Mutex<TestClock?>(nil)
        let scratch = try Scratch {
            $0.purge.isAutomatic = false
            $0.coolOffMilliseconds = hour
            $0.reached = { point in if point == .receipted { clock.withLock { $0 }?.advance(milliseconds: 2 * 3_600_000) } }
        }
        scratch.lendAppender()
        let old = Scratch.start.advanced(byMilliseconds: -200 * Instant.millisecondsPerDay)
        let name = String(repeating: "t", count: 90)
        scratch.send((0..<900).map { number in Scratch.Post("m").with { ($0.at, $0.tenant) = (old, "\(name)\(number)") } })
        #expect(try scratch.keep(.system, "30d").isAppended)
        scratch.archive.flush()
        clock.withLock { $0 = scratch.clock }
        let upkeep = scratch.archive.upkeep
        let plan = try upkeep.plan(coverage: .everything, basis: .expired)
        try #require(plan.messages == 900 && plan.intents().count > 1)
        guard case .refused(let refusal) = try upkeep.carryOut(plan, by: .system) else { return #expect(Bool(false), "it was carried out") }
        let destroyed = try #require(plan.intents().first).messages
        #expect(refusal.code == .conflict && refusal.sentence.hasPrefix("\(destroyed) messages of the plan were destroyed"))
    }
}

import Events
import Synchronization
import Testing
import Vault

@testable import Archive

@Suite("Clocks that step while something is destroyed")
struct ClockWatchTests {
    private let hour: Int64 = 3_600_000

    /// An archive of which everything has expired, and whose clock may be made to step.
    private func expired(_ skew: TestSkew, isAutomatic: Bool = false, _ look: @escaping @Sendable () -> Void = {}) throws -> Scratch {
        let scratch = try Scratch {
            $0.purge.isAutomatic = isAutomatic
            $0.purge.lagMilliseconds = 0
            $0.steadyClock = {
                look()
                return skew.reading(of: $0)
            }
        }
        scratch.lendAppender()
        scratch.send((0..<20).map { Scratch.Post("m\($0)") })
        scratch.archive.flush()
        scratch.archive.upkeep.tick()
        scratch.clock.advance(days: 200)
        return scratch
    }

    /// Of the wall's clock alone.
    private func step(_ skew: TestSkew, _ scratch: Scratch, _ milliseconds: Int64) {
        skew.jump(milliseconds)
        scratch.clock.advance(milliseconds: milliseconds)
    }

    @Test("a machine that sleeps between a look at the one clock and at the other is no clock that was set")
    func sleepBetweenLooks() throws {
        let skew = TestSkew()
        let sleeps = Mutex(0)
        let clock = Mutex<TestClock?>(nil)
        let scratch = try Scratch {
            $0.steadyClock = { wall in
                guard let clock = clock.withLock({ $0 }) else { return skew.reading(of: wall) }
                if sleeps.withLock({
                    $0 += 1; return $0 == 1
                }) {
                    clock.advance(days: 2)
                }
                return ClockReading(
                    wall: wall, steadyMilliseconds: skew.reading(of: clock.now).steadyMilliseconds, boot: skew.reading(of: wall).boot)
            }
        }
        scratch.lendAppender()
        scratch.archive.upkeep.tick()
        clock.withLock { $0 = scratch.clock }
        scratch.archive.upkeep.tick()
        #expect(sleeps.withLock { $0 } > 1)
        #expect(scratch.archive.upkeepStatus().doubt == nil)
    }

    @Test("between two steps of a purge: the next one is refused, and nothing is destroyed", arguments: [0, 1, 2])
    func betweenSteps(steps: Int) throws {
        let skew = TestSkew()
        let scratch = try expired(skew)
        let upkeep = scratch.archive.upkeep
        let plan = try upkeep.plan(coverage: .everything, basis: .expired)
        var run = PurgeRun(scratch.archive.core, try #require(plan.intents().first)) { upkeep.append($0, by: .system) }
        for _ in 0..<steps { try run.advance(flush: scratch.archive.flush) }
        step(skew, scratch, 2 * hour)
        while !run.isOver { try run.advance(flush: scratch.archive.flush) }
        switch run.state {
        case .refused(let refusal): #expect(steps == 0 && refusal.code == .denied)
        case .withdrawn: #expect(steps > 0 && run.hindrance?.code == .denied)
        default: Issue.record("\(run.state)")
        }
        #expect(plan.intents().flatMap(\.keyIDs).allSatisfy { scratch.archive.core.vault.contains($0) })
    }

    @Test("a plan that judges by a moment to come is not carried out, though the clock was looked at before and behind the step only")
    func planOfTheFuture() throws {
        let skew = TestSkew()
        let scratch = try expired(skew)
        scratch.send(.init("alive"))
        scratch.archive.flush()
        let upkeep = scratch.archive.upkeep
        step(skew, scratch, 400 * 24 * hour)
        let plan = try upkeep.plan(coverage: .everything, basis: .expired)
        #expect(plan.messages == 21)
        step(skew, scratch, -400 * 24 * hour)
        guard case .refused(let refusal) = try upkeep.carryOut(plan, by: .system) else { return #expect(Bool(false), "it was carried out") }
        #expect(refusal.code == .conflict)
        #expect(try upkeep.run(plan.id, count: plan.messages, by: .user(0)).refusal?.code == .unknown)
        #expect(try scratch.message("alive")?.state == .visible)
    }

    @Test("what an automatic purge was refused is still due, and gone once an operator says that the clock is right")
    func refusedStaysDue() throws {
        let skew = TestSkew()
        // The third look of a round is the one right before the intent.
        let looks = Mutex(0)
        let scratch = try expired(skew, isAutomatic: true) {
            let isThird = looks.withLock { looks in
                looks -= 1
                return looks == 0
            }
            if isThird { skew.jump(-2 * 3_600_000) }
        }
        looks.withLock { $0 = 3 }
        scratch.archive.upkeep.tick()
        #expect(scratch.archive.upkeepStatus().doubt != nil)
        #expect(scratch.archive.upkeepStatus().lastReceipt == nil)
        #expect(scratch.rule(.confirmClock(reason: "looked")).isAppended)
        scratch.lendAppender()
        scratch.archive.upkeep.tick()
        #expect(try scratch.message("m3")?.state == .purged)
    }
}

extension Upkeep.PurgeResult {
    fileprivate var refusal: Refusal? { if case .refused(let refusal) = self { refusal } else { nil } }
}

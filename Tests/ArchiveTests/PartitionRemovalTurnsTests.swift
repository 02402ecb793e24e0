import Dispatch
import Events
import Ledger
import Synchronization
import Testing

@testable import Archive

@Suite("Turns of removals")
struct PartitionRemovalTurnsTests {
    /// An archive of three partitions, one a day, all of which may leave at the next look.
    private func filled(_ change: (inout ArchiveOptions) -> Void = { _ in }) throws -> Scratch {
        let scratch = try Scratch.forgetful(change)
        for day in 0..<3 {
            scratch.send(
                Scratch.Post("m\(day)").with { $0.at = Scratch.start.advanced(byMilliseconds: -Int64(day) * Instant.millisecondsPerDay) })
        }
        scratch.live(days: Scratch.purgedDays)
        #expect(scratch.removals == 0)
        scratch.clock.advance(days: 10)
        return scratch
    }

    @Test("one partition leaves at each look, oldest first, and the next look need not wait for an hour")
    func one() throws {
        let scratch = try filled()
        for names in [["2026-11-22", "2026-11-23"], ["2026-11-23"], []] {
            scratch.archive.upkeep.tick()
            #expect(try scratch.archive.partitions().map(\.name).filter { $0 <= "2026-11-23" } == names)
        }
    }

    @Test("what is ordered while a partition leaves comes before the next one leaves, and nobody waits for a tick")
    func between() throws {
        let order = Mutex<[String]>([])
        let upkeep = Mutex<Upkeep?>(nil)
        let isOver = DispatchSemaphore(value: 0)
        let scratch = try filled { options in
            options.purge.tickMilliseconds = 3_600_000
            options.reached = { point in
                guard point == .removalForgotten else { return }
                let removed = order.withLock { order in
                    order.append("removed")
                    return order.count { $0 == "removed" }
                }
                _ = upkeep.withLock { $0?.submit { order.withLock { $0.append("ordered") } } }
                if removed == 3 { isOver.signal() }
            }
        }
        upkeep.withLock { $0 = scratch.archive.upkeep }
        nonisolated(unsafe) let appender = scratch.appender  // Safe, because this thread waits, and leaves it to upkeep's.
        scratch.archive.upkeep.start { work in work(appender) }
        isOver.wait()
        upkeep.withLock { $0 = nil }
        try scratch.close()
        #expect(order.withLock { $0 } == ["removed", "ordered", "removed", "ordered", "removed", "ordered"])
    }
}

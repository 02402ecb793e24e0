import Events
import Testing

@testable import Archive

@Suite("ClockGuard")
struct ClockGuardTests {
    private let start = Instant(milliseconds: 1_795_416_138_000)
    private let minute: Int64 = 60_000

    private func reading(wall: Int64, steady: Int64, boot: String = "a") -> ClockReading {
        ClockReading(wall: start.advanced(byMilliseconds: wall * minute), steadyMilliseconds: steady * minute, boot: boot)
    }

    @Test("many small steps are as far as a large one, also over a restart of the daemon", arguments: [false, true])
    func smallSteps(isKept: Bool) {
        var clock = ClockGuard(toleranceMilliseconds: 60 * minute)
        for turn in 0...3 as ClosedRange<Int64> {
            // Each look finds the wall clock 25 minutes further than it should be.
            clock.take(reading(wall: 26 * turn, steady: turn), recorded: start)
            #expect(clock.isTrusted == (turn < 3))
            if isKept { clock = ClockGuard(text: clock.text, toleranceMilliseconds: 60 * minute) }
        }
    }

    @Test("steps back and forth that end where they began are none")
    func backAndForth() {
        var clock = ClockGuard(toleranceMilliseconds: 60 * minute)
        for turn in 0..<40 as Range<Int64> {
            clock.take(reading(wall: turn + (turn % 2 == 0 ? 0 : 50), steady: turn), recorded: start)
        }
        #expect(clock.isTrusted)
    }

    @Test("what an operator confirmed, and what another start of the machine begins with, is measured anew")
    func anew() {
        var clock = ClockGuard(toleranceMilliseconds: 60 * minute)
        clock.take(reading(wall: 0, steady: 0), recorded: start)
        clock.take(reading(wall: 50, steady: 0), recorded: start)
        clock.confirm(reading(wall: 50, steady: 0), at: Position(1))
        clock.take(reading(wall: 100, steady: 0), recorded: start)
        #expect(clock.isTrusted)
        clock.take(reading(wall: 150, steady: 0, boot: "b"), recorded: start)
        clock.take(reading(wall: 200, steady: 0, boot: "b"), recorded: start)
        #expect(clock.isTrusted)
        clock.take(reading(wall: 250, steady: 0, boot: "b"), recorded: start)
        #expect(!clock.isTrusted)
    }
}

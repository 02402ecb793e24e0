import Events
import Ledger
import Testing

@testable import Archive

/// The daily purge waits only where waiting saves sealing anew, and no more than a day.
@Suite("Patience of the daily purge")
struct PatienceTests {
    @Test("what a hold keeps among a sender's messages lets the others go with the next daily purge")
    func besideAHold() throws {
        let times = ["2026-11-15T01:00:00Z", "2026-11-15T02:00:00Z", "2026-11-15T03:00:00Z"]
        let scratch = try scratch(.day, times)
        let held = Coverage(from: try moment(times[1]), until: try moment(times[2]))
        #expect(scratch.rule(.place(HoldPlace(id: try HoldID("h"), coverage: held, matter: "7", reason: "court"))).isAppended)
        try tick(scratch, "2026-11-25T02:59:00Z")
        #expect(try states(scratch, times) == [.expired, .expired, .visible])
        try tick(scratch, "2026-11-26T03:00:00Z")
        #expect(try states(scratch, times) == [.purged, .expired, .purged])
    }

    @Test("what is partly due is left to the daily purge of the day after, however long the lag is")
    func partlyDue() throws {
        let times = ["2026-11-16T01:00:00Z", "2026-11-17T01:00:00Z", "2026-11-18T01:00:00Z"]
        let scratch = try scratch(.week, times)
        try tick(scratch, "2026-11-26T03:00:00Z")
        #expect(try states(scratch, times) == [.expired, .visible, .visible])
        try tick(scratch, "2026-11-27T03:00:00Z")
        #expect(try states(scratch, times) == [.purged, .purged, .visible])
    }

    private func tick(_ scratch: Scratch, _ time: String) throws {
        scratch.clock.set(try moment(time))
        scratch.archive.upkeep.tick()
    }

    private func states(_ scratch: Scratch, _ times: [String]) throws -> [MessageState?] {
        try times.map { try scratch.message($0)?.state }
    }

    /// Messages of one sender, kept for ten days, with a lag of a month.
    private func scratch(_ length: PartitionLength, _ times: [String]) throws -> Scratch {
        let scratch = try Scratch {
            $0.partitionLength = length
            $0.purge.dailyMinute = 180
            $0.purge.lagMilliseconds = 30 * Instant.millisecondsPerDay
            $0.purge.compactionBytesPerSecond = 0
        }
        scratch.lendAppender()
        #expect(try scratch.keep(.system, "10d").isAppended)
        for time in times {
            let at = try moment(time)
            #expect(scratch.send(Scratch.Post(time).with { $0.at = at }).isAppended)
        }
        scratch.archive.flush()
        return scratch
    }

    private func moment(_ text: String) throws -> Instant { try #require(Instant(text: text)) }
}

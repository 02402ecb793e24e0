import Events
import Ledger
import TestSupport
import Testing
import Vault

@testable import Archive

/// 400 days with the same traffic every day, and the default period.
@Suite("Steady", .serialized)
struct SteadyTests {
    /// What the archive is at the end of every tenth day.
    private struct Day {
        var bodies = 0
        var allocated = 0
        var openFiles = 0
        var keys = 0
        var oldestExpired: Instant?
    }

    @Test("after 190 days neither bodies nor keys nor open files grow any more, and nothing expired is left beyond the bound")
    func fourHundredDays() throws {
        let scratch = try Scratch {
            $0.openPartitionsMax = 16
            $0.purge.compactionBytesPerSecond = 0
        }
        scratch.lendAppender()
        var days: [Day] = []
        for day in 0..<400 {
            for hour in 0..<4 {
                scratch.send((0..<25).map { post in Self.post("\(day)-\(hour)-\(post)", conversation: "c\(post % 5)") })
                scratch.clock.advance(milliseconds: 6 * 3_600_000)
                scratch.archive.flush()
                scratch.archive.upkeep.tick()
            }
            if day % 10 == 9 { days.append(try look(at: scratch)) }
        }
        for (number, day) in days.enumerated().dropFirst(19) {
            #expect(day.bodies <= days[19].bodies * 110 / 100, "day \(number)")
            #expect(day.keys <= days[19].keys + 4, "day \(number)")
            #expect(day.openFiles <= days[19].openFiles + 8, "day \(number)")
            // A day's messages go together, once the day's last has expired, or the first has waited for a day.
            let late = day.oldestExpired.map {
                Scratch.start.milliseconds + Int64(number + 1) * 10 * Instant.millisecondsPerDay - $0.milliseconds
            }
            #expect(late ?? 0 <= 2 * Instant.millisecondsPerDay, "day \(number)")
        }
        // What is kept for ever, and so grows, is the trail: well under what a day's messages take.
        let growth = (days[39].allocated - days[19].allocated) / 200
        #expect(growth < days[0].allocated / 10, "\(growth) bytes a day, of \(days[0].allocated / 10) that a day's messages take")
        try scratch.reopen()
        #expect(scratch.archive.core.store.shelf.openCount <= 4)
    }

    private static func post(_ id: String, conversation: String) -> Scratch.Post {
        Scratch.Post(id).with { post in
            post.conversation = conversation
            post.body = String(repeating: "x", count: 1000)
        }
    }

    private func look(at scratch: Scratch) throws -> Day {
        let core = scratch.archive.core
        scratch.archive.flush()
        var day = Day()
        for summary in try scratch.archive.partitions() where summary.messages > summary.purged {
            day.bodies += summary.diskBytes - summary.freeBytes
        }
        day.allocated = core.store.shelf.all.reduce(0) { $0 + DiskUse.bytes(of: core.store.shelf.path(of: $1)) }
        day.openFiles = core.store.shelf.openCount
        day.keys = core.vault.count
        day.oldestExpired = scratch.archive.upkeepStatus().oldestExpired
        return day
    }
}

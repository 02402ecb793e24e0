import Events
import FoundationEssentials
import Ledger
import TestSupport
import Testing
import Vault

@testable import Archive

/// 400 days with the same traffic every day, the default period, and the shortest life that a trail may have.
@Suite("Steady", .serialized)
struct SteadyTests {
    /// What the archive is at the end of every tenth day.
    private struct Day {
        var bodies = 0
        /// Blocks of all files of the folder.
        var allocated = 0
        var partitions = 0
        var openFiles = 0
        var keys = 0
        var oldestExpired: Instant?
    }

    @Test("after 190 days neither the folder nor keys nor open files grow any more, and nothing expired is left beyond the bound")
    func fourHundredDays() throws {
        let scratch = try Scratch {
            $0.openPartitionsMax = 16
            $0.purge.compactionBytesPerSecond = 0
            $0.purge.trailPeriod = PurgeOptions.trailPeriodLeast
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
            if day % 50 == 49, let last = days.last { try show(day + 1, last, scratch) }
        }
        for (number, day) in days.enumerated().dropFirst(19) {
            #expect(day.bodies <= days[19].bodies * 110 / 100, "day \(number)")
            #expect(day.allocated <= days[18].allocated * 110 / 100, "day \(number)")
            #expect(day.partitions <= days[18].partitions + 1, "day \(number)")
            #expect(day.keys <= days[19].keys + 4, "day \(number)")
            #expect(day.openFiles <= days[19].openFiles + 8, "day \(number)")
            // A day's messages go together, once the day's last has expired, or the first has waited for a day.
            let late = day.oldestExpired.map {
                Scratch.start.milliseconds + Int64(number + 1) * 10 * Instant.millisecondsPerDay - $0.milliseconds
            }
            #expect(late ?? 0 <= 2 * Instant.millisecondsPerDay, "day \(number)")
        }
        #expect(scratch.archive.upkeepStatus().lastError == nil)
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
        for file in try FileManager.default.subpathsOfDirectory(atPath: scratch.path) {
            day.allocated += DiskUse.bytes(of: scratch.path + "/" + file)
        }
        day.partitions = core.store.shelf.count
        day.openFiles = core.store.shelf.openCount
        day.keys = core.vault.count
        day.oldestExpired = scratch.archive.upkeepStatus().oldestExpired
        return day
    }

    /// For people: what no test can hold a machine to. Alone in its process (`swift test --filter Steady`) the memory is the archive's.
    private func show(_ day: Int, _ last: Day, _ scratch: Scratch) throws {
        let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        let line = status.split(separator: "\n").first { $0.hasPrefix("RssAnon:") } ?? "RssAnon:?"
        let memory = line.dropFirst(8).filter { $0 != "\t" && $0 != " " }
        let begin = ContinuousClock.now
        try scratch.reopen()
        let start = ContinuousClock.now - begin
        scratch.lendAppender()
        print(
            "day \(day): \(last.allocated >> 10) KiB in \(last.partitions) partitions, \(last.keys) keys, \(last.openFiles) open, "
                + "memory \(memory), stop and start \(start)")
    }
}

import Events
import Glibc
import TestSupport
import Testing

@testable import Archive
@testable import ArchiveTests

/// One write fails, in a fold or in what upkeep does: then nothing more is appended, and everything can be read.
@Suite("A failed write")
struct FailedWriteTests {
    @Test("whatever write fails, what was answered can be read")
    func readsGoOn() throws {
        try forEachWrite { scratch, when in
            withKnownIssue("LMDB lets nobody read a file of which the last page of a commit could not be written", isIntermittent: true) {
                let message = try scratch.message("new")
                #expect(message?.state == .visible, "\(when)")
            }
        }
    }

    @Test("when a file cannot be read any more because a write failed, nothing is appended either")
    func saysSo() throws {
        try forEachWrite { scratch, when in
            do { _ = try scratch.message("new") } catch { #expect(scratch.archive.trouble != nil, "\(when): \(error)") }
        }
    }

    /// Lends an archive in which the first write fails, then one in which the second does, and so on.
    private func forEachWrite(_ body: (Scratch, _ when: String) throws -> Void) throws {
        var call = 0
        while try failing(call, body) { call += 1 }
        #expect(call > 10)
    }

    private func failing(_ call: Int, _ body: (Scratch, _ when: String) throws -> Void) throws -> Bool {
        var made: Disk?
        let scratch = try Scratch(inMemory: true) { options in
            options.threads = .none
            options.purge.dailyMinute = 0
            made = try Simulation.makeDisk(options, seed: 1)
        }
        let disk = try #require(made)
        defer {
            disk.mend()
            do { try scratch.close() } catch { #expect(disk.failed > 0) }
            disk.end()
        }
        scratch.lendAppender()
        let old = Scratch.start.advanced(byMilliseconds: -200 * Instant.millisecondsPerDay)
        scratch.send([.init("old").with { $0.at = old }, .init("new")])
        scratch.clock.advance(days: 2)
        disk.fail(.write, after: call, error: EIO, forever: false)
        scratch.archive.flush()
        scratch.archive.upkeep.tick()
        if disk.failed == 0 { return false }
        try body(scratch, "write \(call) failed")
        return true
    }
}

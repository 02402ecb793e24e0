import Events
import Foundation
import Glibc
import TestSupport
import Testing

@testable import Archive
@testable import ArchiveTests

@Suite("A full disk")
struct FullDiskTests {
    @Test("a purge for which there was no room is done when there is", arguments: Array(stride(from: Int64(0), to: 120_000, by: 8_192)))
    func purgesLater(space: Int64) throws {
        var made: Disk?
        let scratch = try Scratch(inMemory: true) { options in
            options.threads = .none
            options.purge.dailyMinute = 0
            options.purge.lagMilliseconds = 3_600_000
            made = try Simulation.makeDisk(options, seed: 1)
        }
        let disk = try #require(made)
        defer { disk.end() }
        scratch.lendAppender()
        let old = Scratch.start.advanced(byMilliseconds: -200 * Instant.millisecondsPerDay)
        scratch.send([.init("old").with { $0.at = old }, .init("new")])
        scratch.archive.flush()
        // What is journaled must be folded before a key dies, and needs room.
        scratch.send((0..<40).map { Scratch.Post("more-\($0)").with { $0.at = old } })
        scratch.clock.advance(days: 2)
        disk.space = space
        scratch.archive.upkeep.tick()
        disk.space = nil
        scratch.clock.advance(days: 1)
        try #require(scratch.archive.trouble == nil, "\(String(describing: scratch.archive.trouble))")
        scratch.archive.flush()
        scratch.archive.upkeep.tick()
        #expect(scratch.archive.upkeepStatus().lastError == nil)
        #expect(try scratch.message("old")?.state == .purged && scratch.message("more-7")?.state == .purged)
    }

    @Test("what was refused for want of room leaves no trace in the server's time")
    func refusalsTakeNoTime() throws {
        var made: Disk?
        let scratch = try Scratch(inMemory: true) { options in
            options.threads = .none
            made = try Simulation.makeDisk(options, seed: 1)
        }
        let disk = try #require(made)
        defer { disk.end() }
        scratch.lendAppender()
        try #require(scratch.send(.init("before")).isAppended)
        scratch.clock.advance(days: 3650)
        disk.fail([.write], after: 0, error: ENOSPC, forever: true)
        #expect(scratch.send(.init("refused").with { $0.tenant = "other" }).code == .full)
        disk.mend()
        scratch.clock.advance(days: -3650)
        #expect(scratch.send(.init("after")).isAppended)
        #expect(try scratch.allEvents().map(\.recorded) == [Scratch.start, Scratch.start])
    }
}

import Events
import Glibc
import Ledger
import Testing

@testable import Archive

@Suite("DueTable")
struct DueTableTests {
    @Test("a partition that was written to is looked at again, though its file looks as it did")
    func sameStamp() throws {
        let scratch = try Scratch {
            $0.purge.lagMilliseconds = 0
            // Or the file would be shorter after each look.
            $0.purge.compactionGainPercent = 101
        }
        scratch.lendAppender()
        #expect(try scratch.keep(.conversation(TenantID("acme"), ConversationID("general")), "forever").isAppended)
        for round in 0..<20 {
            scratch.send(Scratch.Post("stays \(round)").with { $0.at = Scratch.start })
            scratch.archive.flush()
            scratch.archive.upkeep.tick()
            let path = scratch.archive.core.store.shelf.path(of: try #require(scratch.archive.core.store.shelf.all.first))
            let before = status(of: path)
            scratch.clock.advance(days: 200)
            scratch.archive.upkeep.tick()
            let post = Scratch.Post("goes \(round)").with {
                $0.at = Scratch.start
                $0.conversation = "other"
            }
            #expect(scratch.send(post).isAppended)
            scratch.archive.flush()
            guard status(of: path).st_size == before.st_size else { continue }
            // As if both had been written within one tick of the file system's clock.
            setTime(of: path, to: before)
            scratch.archive.upkeep.tick()
            #expect(try scratch.message(post.id)?.state == .purged)
            return
        }
        Issue.record("the file grew every time")
    }

    @Test("what several holds keep together is not overdue, and is once one of them is released", arguments: ["early", "late"])
    func holdsTogether(released: String) throws {
        let scratch = try Scratch { $0.purge.isAutomatic = false }
        scratch.lendAppender()
        scratch.clock.advance(days: 1)
        let hour: Int64 = 3_600_000
        scratch.send(
            (0..<4).map { number in
                Scratch.Post("m\(number)").with { $0.at = Scratch.start.advanced(byMilliseconds: Int64(number) * hour) }
            })
        let middle = Scratch.start.advanced(byMilliseconds: 2 * hour)
        for (name, from, until) in [("early", nil, middle), ("late", middle, nil)] as [(String, Instant?, Instant?)] {
            let coverage = Coverage(tenant: try TenantID("acme"), from: from, until: until)
            scratch.rule(.place(HoldPlace(id: try HoldID(name), coverage: coverage, matter: "7", reason: "court")))
        }
        scratch.archive.flush()
        scratch.clock.advance(days: 200)
        scratch.archive.upkeep.tick()
        #expect(scratch.archive.upkeepStatus().oldestExpired == nil)
        scratch.rule(.release(ReleaseDraft(hold: try HoldID(released), reason: "over")))
        scratch.archive.upkeep.tick()
        #expect(scratch.archive.upkeepStatus().oldestExpired != nil)
    }

    @Test("what takes effect is seen, also by a clock that jumped beyond it and was set right again")
    func jumpAndBack() throws {
        let skew = TestSkew()
        let scratch = try Scratch {
            $0.coolOffMilliseconds = Instant.millisecondsPerDay
            $0.purge.lagMilliseconds = 0
            $0.purge.compactionBytesPerSecond = 0
            $0.steadyClock = { skew.reading(of: $0) }
        }
        scratch.lendAppender()
        scratch.send(.init("a"))
        scratch.clock.advance(days: 40)
        #expect(try scratch.keep(.system, "30d").isAppended)
        scratch.archive.flush()
        for jump in [400, -400] {
            skew.jump(Int64(jump) * Instant.millisecondsPerDay)
            scratch.clock.advance(days: Int64(jump))
            scratch.archive.upkeep.tick()
            #expect(scratch.archive.upkeepStatus().doubt != nil)
        }
        scratch.rule(.confirmClock(reason: "set right"))
        scratch.archive.upkeep.tick()
        #expect(try scratch.message("a")?.state == .visible)
        scratch.clock.advance(days: 1)
        scratch.archive.upkeep.tick()
        #expect(try scratch.message("a")?.state == .purged)
    }

    private func status(of path: String) -> stat {
        var found = stat()
        #expect(stat(path, &found) == 0)
        return found
    }

    private func setTime(of path: String, to status: stat) {
        let times = [status.st_atim, status.st_mtim]
        #expect(utimensat(AT_FDCWD, path, times, 0) == 0)
    }
}

import Events
import FoundationEssentials
import Testing

@testable import Archive

@Suite("Clock confirmations")
struct ClockConfirmationTests {
    private let hour: Int64 = 3_600_000

    @Test("what an operator said of the clock counts at the next start, though a crash came before it was noted")
    func survivesACrash() throws {
        let scratch = try doubted()
        #expect(scratch.rule(.confirmClock(reason: "looked")).isAppended)
        try scratch.crash()
        #expect(scratch.archive.upkeepStatus().doubt == nil)
        scratch.lendAppender()
        scratch.archive.upkeep.tick()
        try scratch.reopen()
        #expect(scratch.archive.upkeepStatus().doubt == nil)
    }

    @Test("it counts for the clock of that time: of one that is far from it since, nothing is known")
    func countsForItsTime() throws {
        let scratch = try doubted()
        scratch.rule(.confirmClock(reason: "looked"))
        scratch.clock.advance(milliseconds: 2 * hour)
        try scratch.crash()
        #expect(scratch.archive.upkeepStatus().doubt?.contains("confirmed") == true)
    }

    @Test("a doubt that came later is not ended by it")
    func endsNoLaterDoubt() throws {
        let scratch = try doubted()
        scratch.rule(.confirmClock(reason: "looked"))
        scratch.lendAppender()
        scratch.archive.upkeep.tick()
        #expect(scratch.archive.upkeepStatus().doubt == nil)
        try setBack(scratch)
        #expect(scratch.archive.upkeepStatus().doubt != nil)
        scratch.lendAppender()
        scratch.archive.upkeep.tick()
        try scratch.crash()
        #expect(scratch.archive.upkeepStatus().doubt != nil)
    }

    @Test("a note of a program that did not write down which confirmation it knew keeps its doubt")
    func olderNotes() throws {
        let scratch = try doubted()
        scratch.rule(.confirmClock(reason: "looked"))
        try scratch.crash { path in
            let lines = try String(contentsOf: URL(filePath: path + "/clock"), encoding: .utf8).split(separator: "\n")
            try Data((lines.filter { !$0.hasPrefix("confirmed") }.joined(separator: "\n") + "\n").utf8).write(
                to: URL(filePath: path + "/clock"))
        }
        #expect(scratch.archive.upkeepStatus().doubt != nil)
    }

    @Test("without a note the log's last event counts, and not what was confirmed long before it")
    func withoutANote() throws {
        let scratch = try doubted()
        scratch.rule(.confirmClock(reason: "looked"))
        scratch.clock.advance(milliseconds: 2 * hour)
        scratch.send(.init("later"))
        try scratch.close()
        try FileManager.default.removeItem(atPath: scratch.path + "/clock")
        try scratch.open()
        #expect(scratch.archive.upkeepStatus().doubt == nil)
    }

    /// An archive with an event, whose clock is doubted, and the note says so.
    private func doubted() throws -> Scratch {
        let scratch = try Scratch { $0.purge.isAutomatic = false }
        scratch.lendAppender()
        scratch.send(.init("m"))
        scratch.archive.upkeep.tick()
        try setBack(scratch)
        scratch.lendAppender()
        scratch.archive.upkeep.tick()
        #expect(scratch.archive.upkeepStatus().doubt != nil)
        scratch.archive.flush()
        return scratch
    }

    /// As if the clocks had been read a day earlier, and only a moment had passed since by the one that nobody sets.
    private func setBack(_ scratch: Scratch) throws {
        try scratch.close()
        let path = URL(filePath: scratch.path + "/clock")
        let lines = try String(contentsOf: path, encoding: .utf8).split(separator: "\n").map { line in
            var words = line.split(separator: " ").map(String.init)
            if words[0] == "read" { words[1] = String(Int64(words[1])! - 24 * hour) }
            return words.joined(separator: " ")
        }
        try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: path)
        try scratch.open()
    }
}

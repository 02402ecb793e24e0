import Journal
import Projections
import Testing

@testable import Archive

@Suite("Flush")
struct FlushTests {
    /// More than is folded at once for whoever can wait.
    private static func posts(_ round: Int) -> [Scratch.Post] {
        (0..<400).map { index in Scratch.Post("\(round)-\(index)").with { $0.body = String(repeating: "x", count: 4000) } }
    }

    @Test("behind a flush all is folded that came before it, whatever its haste", arguments: [20, 1000, 3_600_000])
    func folded(milliseconds: Int) throws {
        let scratch = try Scratch {
            $0.foldMilliseconds = milliseconds
            $0.journal = JournalOptions(segmentBytes: 8 << 20, segments: 2)
        }
        for (round, haste) in [FoldThread.Haste.inTime, .now, .inTime].enumerated() {
            scratch.send(Self.posts(round))
            let end = scratch.archive.core.tail.end
            scratch.archive.foldThread.flush(haste)
            #expect(try scratch.archive.core.store.progress().position == end)
        }
        // With nothing to fold, and once there is no fold any more.
        let thread = scratch.archive.foldThread
        thread.flush(.inTime)
        try scratch.close()
        thread.flush(.inTime)
    }
}

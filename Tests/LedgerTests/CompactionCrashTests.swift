import Events
import Foundation
import LMDB
import Ledger
import TestSupport
import Testing

@Suite("Compaction and crashes")
struct CompactionCrashTests {
    @Test(
        "after a crash at any step the next shelf has every row, and the next compaction comes to its end",
        arguments: CompactionStep.allCases)
    func everyStep(_ step: CompactionStep) throws {
        let (folder, after) = (try TemporaryFolder(), try TemporaryFolder())
        let shelf = try PartitionShelf(days: folder)
        var random = SeededRandom(for: "crash at \(step)")
        try HalfEmptied.make(on: shelf, &random)
        let rows = try shelf.everything()
        let moment = random.next() % 8
        var seen = 0
        let conductor = CompactionConductor.at(step) {
            // Of the slices, one or another.
            if step != .sliceCopied || seen == moment { Self.copy(folder, to: after) }
            seen += 1
        }
        #expect(try Compaction(of: january(1), on: shelf, options: .smallSlices).run(conductor).outcome == .compacted)
        let next = try PartitionShelf(days: after)
        #expect(next.all == [january(1)])
        #expect(try FileManager.default.contentsOfDirectory(atPath: after.path).allSatisfy { !$0.hasSuffix(".compact-lock") })
        #expect(try next.everything() == rows)
        let isSwapped = [.renamed, .swapped, .cleaned].contains(step)
        let report = try Compaction(of: january(1), on: next, options: .smallSlices).run(.hasty)
        #expect(report.outcome == (isSwapped ? .notWorth : .compacted))
        #expect(try next.everything() == rows)
        #expect(try after.names() == ["1970-01-01.mdb"])
    }

    @Test("a copy of last time is used again by the next process, if the partition is the same")
    func resumes() throws {
        let folder = try TemporaryFolder()
        var random = SeededRandom(for: "resume")
        var rows: [String] = []
        do {
            let shelf = try PartitionShelf(days: folder)
            try HalfEmptied.make(on: shelf, &random)
            rows = try shelf.everything()
            var isStopped = false
            var conductor = CompactionConductor.at(.copied) { isStopped = true }
            conductor.isCancelled = { isStopped }
            #expect(try Compaction(of: january(1), on: shelf, options: .smallSlices).run(conductor).outcome == .cancelled)
        }
        let shelf = try PartitionShelf(days: folder)
        #expect(try folder.names() == ["1970-01-01.mdb", "1970-01-01.mdb.compact"])
        var copied = 0
        var conductor = CompactionConductor.hasty
        conductor.progress = { if $0.phase == .copying { copied = $0.bytesDone } }
        var slices = 0
        conductor.reached = { if $0 == .sliceCopied { slices += 1 } }
        #expect(try Compaction(of: january(1), on: shelf, options: .smallSlices).run(conductor).outcome == .compacted)
        #expect(slices == 1, "the one that finds that nothing is left")
        #expect(copied > HalfEmptied.events / 4 * HalfEmptied.bodyBytes)
        #expect(try shelf.everything() == rows)
    }

    @Test("what a crash left and nobody can use is removed when the shelf is set up, and strangers are not")
    func leftovers() throws {
        let folder = try TemporaryFolder()
        let (useless, others) = (
            ["1970-01-02.mdb.compact", "1970-01-02.mdb.compact-lock", "1970-01-01.mdb.compact-lock"],
            ["1970-01-01.mdb", "1970-01-01.mdb.compact", "state.mdb.compact", "1970-01-03.compact", "state.mdb.compact-lock"]
        )
        for name in useless + others { #expect(FileManager.default.createFile(atPath: folder.file(name), contents: nil)) }
        let reading = try PartitionShelf(folder: folder.path, length: .day, indexes: [], openMax: 1, options: .init(.read))
        #expect(reading.all == [january(1)])
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).count == useless.count + others.count)
        let shelf = try PartitionShelf(days: folder)
        #expect(shelf.all == [january(1)])
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() == others.sorted())
    }

    /// What a crash at this moment would leave: nothing of it is in a process, and all that is synced is on disk.
    private static func copy(_ folder: TemporaryFolder, to other: TemporaryFolder) {
        reporting {
            for name in try FileManager.default.contentsOfDirectory(atPath: folder.path) {
                try FileManager.default.copyItem(atPath: folder.file(name), toPath: other.file(name))
            }
        }
    }
}

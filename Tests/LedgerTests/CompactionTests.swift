import Events
import Foundation
import LMDB
import Ledger
import TestSupport
import Testing

@Suite("Compaction")
struct CompactionTests {
    private let shelf: PartitionShelf
    private let path: String
    // Last, so that the files are closed before they are removed.
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        shelf = try PartitionShelf(days: folder)
        var random = SeededRandom(for: "compaction")
        try HalfEmptied.make(on: shelf, &random)
        path = shelf.path(of: january(1))
    }

    @Test("a half-emptied partition takes less of the disk and has every row, and nothing is left beside it")
    func shrinks() throws {
        let (before, rows) = (try allocatedBytes(path), try shelf.everything())
        let report = try Compaction(of: january(1), on: shelf, options: .smallSlices).run(.hasty)
        #expect(report.outcome == .compacted)
        #expect(report.bytesBefore == before)
        #expect(try allocatedBytes(path) == report.bytesAfter)
        #expect(report.bytesAfter < before / 2 && report.bytesReturned == before - report.bytesAfter)
        #expect(try shelf.everything() == rows)
        #expect(rows.count == HalfEmptied.events * 2 + HalfEmptied.events / 4 + 1)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() == ["1970-01-01.mdb", "1970-01-01.mdb-lock"])
        #expect(shelf.openCount == 1 && shelf.all == [january(1)])
    }

    @Test("a partition whose bodies were all cleared shrinks to its trail")
    func cleared() throws {
        _ = try shelf.write(to: january(1)) { partition, transaction in try partition.clearBodies(&transaction) }
        let rows = try shelf.everything()
        let report = try Compaction(of: january(1), on: shelf).run(.hasty)
        #expect(report.outcome == .compacted && report.bytesAfter < report.bytesBefore / 10)
        #expect(try shelf.everything() == rows)
    }

    @Test("what has little to win, or less than is asked for, is left alone; so is what is not there")
    func notWorth() throws {
        var options = CompactionOptions()
        options.minGainPercent = 95
        let (refused, inode) = (try Compaction(of: january(1), on: shelf, options: options).run(.hasty), try inode())
        #expect(refused.outcome == .notWorth && refused.bytesReturned == 0)
        #expect(try refused.bytesBefore == allocatedBytes(path))
        #expect(try Compaction(of: january(1), on: shelf).run(.hasty).outcome == .compacted)
        #expect(try self.inode() != inode)
        #expect(try Compaction(of: january(1), on: shelf).run(.hasty).outcome == .notWorth)
        #expect(try Compaction(of: january(2), on: shelf).run(.hasty).outcome == .notWorth)
        #expect(shelf.all == [january(1)])
    }

    @Test("a disk without room for the copy is refused in words before anything is written")
    func tooSmall() throws {
        for reserve in [Int.max, Int.max / 2] {
            var options = CompactionOptions()
            options.diskReserveBytes = reserve
            let failure = #expect(throws: LedgerFailure.self) { try Compaction(of: january(1), on: shelf, options: options).run(.hasty) }
            #expect("\(try #require(failure))".contains("bytes of the disk, the reserve among them"))
            #expect(try folder.names() == ["1970-01-01.mdb"])
        }
    }

    @Test("the pauses add up to the bytes copied and compared at the rate that is allowed")
    func throttle() throws {
        var options = CompactionOptions.smallSlices
        options.bytesPerSecond = 777_000
        var (paused, pauses) = (0, 0)
        var conductor = CompactionConductor { milliseconds in
            paused += milliseconds
            pauses += 1
        }
        var done: [CompactionProgress.Phase: Int] = [:]
        conductor.progress = { progress in
            #expect(progress.bytesDone >= done[progress.phase, default: 0] && progress.bytesDone <= progress.bytesInAll)
            done[progress.phase] = progress.bytesDone
        }
        #expect(try Compaction(of: january(1), on: shelf, options: options).run(conductor).outcome == .compacted)
        let (copied, compared) = (try #require(done[.copying]), try #require(done[.comparing]))
        // The one row of `meta` is compared with the others, and copied before the first slice.
        #expect(compared == copied + 8 + 56)
        #expect(copied > HalfEmptied.events / 4 * HalfEmptied.bodyBytes)
        #expect(paused == (copied + compared) * 1000 / options.bytesPerSecond)
        #expect(pauses > 20)
    }

    @Test("one that is stopped leaves the partition as it was, and the next one goes on where it stopped", arguments: [1, 5, 17])
    func cancelled(slices: Int) throws {
        let rows = try shelf.everything()
        var conductor = CompactionConductor.hasty
        var copied = 0
        conductor.reached = { if $0 == .sliceCopied { copied += 1 } }
        conductor.isCancelled = { copied == slices }
        let report = try Compaction(of: january(1), on: shelf, options: .smallSlices).run(conductor)
        #expect(report.outcome == .cancelled && report.bytesReturned == 0)
        #expect(try folder.names() == ["1970-01-01.mdb", "1970-01-01.mdb.compact"])
        #expect(try shelf.everything() == rows)
        conductor.isCancelled = { false }
        #expect(try Compaction(of: january(1), on: shelf, options: .smallSlices).run(conductor).outcome == .compacted)
        #expect(try shelf.everything() == rows)
        // The rest of the slice in which it was stopped may be one of its own, and so may the sight that there is nothing left.
        let inOneGo = try PartitionSlices.count(shelf, january(2))
        #expect(copied <= inOneGo + 2)
    }

    @Test("what was stopped in the comparison is compared from the beginning")
    func stoppedComparing() throws {
        let rows = try shelf.everything()
        var slices = 0
        var conductor = CompactionConductor.hasty
        conductor.progress = { if $0.phase == .comparing { slices += 1 } }
        conductor.isCancelled = { slices == 3 }
        #expect(try Compaction(of: january(1), on: shelf, options: .smallSlices).run(conductor).outcome == .cancelled)
        conductor.isCancelled = { false }
        #expect(try Compaction(of: january(1), on: shelf, options: .smallSlices).run(conductor).outcome == .compacted)
        #expect(slices > 20)
        #expect(try shelf.everything() == rows)
    }

    private func inode() throws -> UInt64 {
        var found = stat()
        guard stat(path, &found) == 0 else { throw NotThere() }
        return UInt64(found.st_ino)
    }
}

/// How many slices a compaction of a partition like that of the tests takes.
private enum PartitionSlices {
    static func count(_ shelf: PartitionShelf, _ id: PartitionID) throws -> Int {
        var random = SeededRandom(seed: 1)
        try HalfEmptied.make(id, on: shelf, &random)
        var slices = 0
        let conductor = CompactionConductor.at(.sliceCopied) { slices += 1 }
        _ = try Compaction(of: id, on: shelf, options: .smallSlices).run(conductor)
        return slices
    }
}

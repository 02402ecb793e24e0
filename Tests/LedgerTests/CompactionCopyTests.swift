import Events
import Foundation
import LMDB
import Ledger
import TestSupport
import Testing

@Suite("Copies of a compaction that are not used")
struct CompactionCopyTests {
    private let shelf: PartitionShelf
    // Last, so that the files are closed before they are removed.
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        shelf = try PartitionShelf(days: folder)
        var random = SeededRandom(for: "copies")
        try HalfEmptied.make(on: shelf, &random)
    }

    @Test("a copy that differs in one byte is found, removed and not used")
    func differs() throws {
        let rows = try shelf.everything()
        let copy = folder.file("1970-01-01.mdb.compact")
        let conductor = CompactionConductor.at(.copied) {
            reporting { try Self.replace("record 123", by: "record 1x3", in: copy) }
        }
        let failure = #expect(throws: LedgerFailure.self) {
            try Compaction(of: january(1), on: shelf, options: .smallSlices).run(conductor)
        }
        #expect("\(try #require(failure))".contains("a copy of it is not the same"))
        #expect(try folder.names() == ["1970-01-01.mdb"])
        #expect(try shelf.everything() == rows)
    }

    @Test("a half copy of what has changed since is not used", arguments: [CompactionStep.copyBegun, .sliceCopied, .copied, .compared])
    func staleHalf(_ step: CompactionStep) throws {
        var (isStopped, last) = (false, CompactionStep.cleaned)
        var conductor = CompactionConductor.at(step) { isStopped = true }
        conductor.isCancelled = { isStopped }
        #expect(try Compaction(of: january(1), on: shelf, options: .smallSlices).run(conductor).outcome == .cancelled)
        _ = try shelf.write(to: january(1)) { partition, transaction in
            try partition.putBody(Position(3), [UInt8](repeating: 7, count: 40).span.bytes, &transaction)
            guard try partition.deleteBody(Position(4), &transaction) else { throw NotThere() }
        }
        let rows = try shelf.everything()
        conductor = .hasty
        conductor.reached = { last = $0 }
        #expect(try Compaction(of: january(1), on: shelf, options: .smallSlices).run(conductor).outcome == .compacted)
        #expect(last == .cleaned)
        #expect(try shelf.everything() == rows)
    }

    @Test("a half copy from before the machine's last start is not used, nor one of which nobody knows", arguments: ["second", ""])
    func otherBoot(_ boot: String) throws {
        let rows = try shelf.everything()
        var options = CompactionOptions.smallSlices
        if boot.isEmpty { options.boot = "" }
        var isStopped = false
        var conductor = CompactionConductor.at(.copied) { isStopped = true }
        conductor.isCancelled = { isStopped }
        #expect(try Compaction(of: january(1), on: shelf, options: options).run(conductor).outcome == .cancelled)
        options.boot = boot
        var slices = 0
        conductor = .hasty
        conductor.reached = { if $0 == .sliceCopied { slices += 1 } }
        #expect(try Compaction(of: january(1), on: shelf, options: options).run(conductor).outcome == .compacted)
        #expect(slices > 5, "all of it again")
        #expect(try shelf.everything() == rows)
    }

    @Test("a half copy whose pages are not what they were, as after a power failure, is not opened", arguments: 0..<6)
    func tornHalf(_ round: Int) throws {
        let rows = try shelf.everything()
        var isStopped = false
        var conductor = CompactionConductor.at(.copied) { isStopped = true }
        conductor.isCancelled = { isStopped }
        #expect(try Compaction(of: january(1), on: shelf, options: .smallSlices).run(conductor).outcome == .cancelled)
        var random = SeededRandom(for: "torn half \(round)")
        let path = URL(filePath: folder.file("1970-01-01.mdb.compact"))
        var bytes = try Data(contentsOf: path)
        // The two meta pages were written, and most of what they lead to was not: what lay on the disk before may be anything.
        for start in stride(from: 2 * 4096, to: bytes.count - 4095, by: 4096) {
            if round.isMultiple(of: 2) {
                // F_DUPDATA in a leaf's first node: LMDB follows it to nowhere.
                let node = Int(bytes[start + 16]) | Int(bytes[start + 17] & 0x0F) << 8
                bytes[start + min(node, 4000) + 4] |= 0x04
            } else if random.chance(of: 3, in: 4) {
                bytes.replaceSubrange(start..<start + 4096, with: Data(repeating: .random(in: .min ... .max, using: &random), count: 4096))
            }
        }
        try bytes.write(to: path)
        #expect(try Compaction(of: january(1), on: shelf, options: .smallSlices).run(.hasty).outcome == .compacted)
        #expect(try shelf.everything() == rows)
    }

    @Test(
        "a write at any moment before the swap makes the copy stale, and is in the one that is made anew",
        arguments: [CompactionStep.copyBegun, .sliceCopied, .copied, .compared])
    func staleMeanwhile(_ step: CompactionStep) throws {
        var begun = 0
        var isWritten = false
        var conductor = CompactionConductor.hasty
        conductor.reached = { [shelf] reached in
            if reached == .copyBegun { begun += 1 }
            guard reached == step, !isWritten else { return }
            isWritten = true
            reporting { try shelf.appendNext() }
        }
        #expect(try Compaction(of: january(1), on: shelf, options: .smallSlices).run(conductor).outcome == .compacted)
        #expect(begun == 2)
        #expect(try shelf.existing(january(1)).partition.totals()?.events == UInt64(HalfEmptied.events + 1))
    }

    @Test("a partition that changes again and again is busy, and keeps no copy")
    func busy() throws {
        var begun = 0
        let conductor = CompactionConductor.at(.compared) { [shelf] in
            begun += 1
            reporting { try shelf.appendNext() }
        }
        let report = try Compaction(of: january(1), on: shelf).run(conductor)
        #expect(report.outcome == .busy && report.bytesReturned == 0 && begun == 3)
        #expect(try folder.names() == ["1970-01-01.mdb"])
        #expect(try shelf.existing(january(1)).partition.totals()?.events == UInt64(HalfEmptied.events + 3))
    }

    @Test("while one compaction runs, a second of the same partition is busy and does it no harm")
    func twoAtOnce() throws {
        var second: CompactionReport.Outcome?
        let conductor = CompactionConductor.at(.copied) { [shelf] in
            reporting { second = try Compaction(of: january(1), on: shelf).run(.hasty).outcome }
        }
        #expect(try Compaction(of: january(1), on: shelf).run(conductor).outcome == .compacted)
        #expect(second == .busy)
    }

    @Test("a file that is no copy at all is removed", arguments: [0, 5, 100_000])
    func garbage(bytes: Int) throws {
        let rows = try shelf.everything()
        try Data(repeating: 0x5A, count: bytes).write(to: URL(filePath: folder.file("1970-01-01.mdb.compact")))
        #expect(try Compaction(of: january(1), on: shelf).run(.hasty).outcome == .compacted)
        #expect(try shelf.everything() == rows)
    }

    @Test("a partition with a table that nobody here knows is not copied without it")
    func unknownTable() throws {
        let folder = try TemporaryFolder()
        do {
            let later = try PartitionShelf(
                folder: folder.path, length: .day, indexes: ["index", "later"], openMax: 4, options: .init(.create, mapBytes: 64 << 20))
            var random = SeededRandom(for: "a table of later")
            try HalfEmptied.make(on: later, &random)
        }
        let shelf = try PartitionShelf(days: folder)
        let failure = #expect(throws: LedgerFailure.self) { try Compaction(of: january(1), on: shelf).run(.hasty) }
        #expect("\(try #require(failure))".contains("table later: this version of Annals knows no such table"))
    }

    @Test("a copy that cannot be written leaves the partition as it was, and the next one comes to its end")
    func diskFull() async {
        await #expect(processExitsWith: .success) {
            let folder = try TemporaryFolder()
            let shelf = try PartitionShelf(days: folder)
            var random = SeededRandom(seed: 3)
            try HalfEmptied.make(on: shelf, &random)
            let rows = try shelf.everything()
            func compact() throws -> CompactionReport.Outcome {
                try Compaction(of: january(1), on: shelf, options: .smallSlices).run(.hasty).outcome
            }
            func fail() throws {
                let failure = #expect(throws: LedgerFailure.self) { try compact() }
                print("as it should: \(try #require(failure))")
            }
            try limitFileSize(bytes: 128 << 10, fail)
            #expect(try shelf.everything() == rows)
            #expect(try compact() == .compacted)
            #expect(try shelf.everything() == rows)
        }
    }

    /// Changes bytes of a file behind LMDB's back. The file is mapped from the same pages that a write goes to.
    private static func replace(_ text: String, by other: String, in path: String) throws {
        let file = try FileHandle(forUpdating: URL(filePath: path))
        let data = try file.readToEnd() ?? Data()
        guard let place = data.range(of: Data(text.utf8)) else { throw NotThere() }
        // Of all versions of the page, those that are free by now among them.
        var next: Range<Data.Index>? = place
        while let found = next {
            try file.seek(toOffset: UInt64(found.lowerBound))
            try file.write(contentsOf: Data(other.utf8))
            next = data.range(of: Data(text.utf8), in: found.upperBound..<data.endIndex)
        }
        try file.close()
    }
}

extension PartitionShelf {
    /// Adds an event behind the last one of the first of January, through the door for writers.
    func appendNext(body: [UInt8] = [1, 2, 3]) throws {
        _ = try write(to: january(1)) { partition, transaction in
            guard var totals = try partition.totals(transaction.reader) else { throw NotThere() }
            totals.last = totals.last.next
            totals.events += 1
            let record = Array("appended".utf8)
            try partition.append(totals.last, record: record.span.bytes, body: body.span.bytes, &transaction)
            try partition.write(totals, &transaction)
        }
    }
}

import Foundation
import Journal
import TestSupport
import Testing

@Suite("Segments")
struct SegmentTests {
    @Test("released segments are used again under the next names, and their stale records never come back")
    func recycling() throws {
        let folder = try TemporaryFolder()
        var journal = try Journal(opening: folder.journal, options: .small(pages: 4))
        var written: [[UInt8]] = []
        for number in 1...60 {
            written.append(payload(number * 137 % 9000, number))
            let record = try journal.append(written[number - 1])
            if number % 2 == 0 { try journal.release(through: record.sequence) }
            let records = journal.records
            let kept = Int(try #require(records).lowerBound.rawValue) - 1
            #expect(try Journal.scan(folder.journal).payloads() == Array(written[kept...]))
        }
        #expect(journal.segmentCount.all <= 4)
        let names = try folder.files().keys.sorted()
        #expect(names.first.map { $0 > segmentName(10) } == true)
        #expect(names.count == journal.segmentCount.all)
    }

    @Test("a stale record in the very place where the next one goes is not taken for it")
    func staleNeighbour() throws {
        let folder = try TemporaryFolder()
        do {
            var journal = try Journal(opening: folder.journal, options: .small(pages: 4, segments: 2))
            // Every record fills a page, so old and new ones stand in the same places.
            for number in 1...9 {
                let record = try journal.append(payload(500, number))
                try journal.release(through: record.sequence)
            }
            try journal.append(payload(500, 10))
        }
        let files = try folder.files()
        #expect(files[segmentName(4)]?[8192] == UInt8(ascii: "A"), "a stale record follows the last one")
        let journal = try Journal(opening: folder.journal, options: .small(pages: 4, segments: 2))
        #expect(journal.torn == nil)
        #expect(journal.records?.upperBound.rawValue == 10)
    }

    @Test("while nothing is released it grows, and shrinks again when all is")
    func growingAndShrinking() throws {
        let folder = try TemporaryFolder()
        var journal = try Journal(opening: folder.journal, options: .small(pages: 4))
        let written = (1...40).map { payload(2000, $0) }
        for bytes in written { try journal.append(bytes) }
        #expect(journal.segmentCount == (all: 14, free: 0))
        #expect(journal.byteCount == 14 * 16384)
        #expect(try journal.payloads() == written)
        try journal.release(through: journal.nextSequence.before)
        #expect(journal.segmentCount.all == 3)
        #expect(try folder.files().count == 3)
        #expect(try journal.payloads().last == written.last)
        try journal.append([1])
        #expect(try Journal.scan(folder.journal).payloads().last == [1])
    }

    @Test("only whole segments below the released number go, and the last two records stay whatever is released")
    func whatStays() throws {
        let folder = try TemporaryFolder()
        var journal = try Journal(opening: folder.journal, options: .small(pages: 4, segments: 9))
        for number in 1...7 { try journal.append(payload(500, number)) }
        for (released, first) in [(1, 1), (2, 1), (3, 4), (5, 4), (6, 4), (7, 4)] {
            try journal.release(through: try #require(SequenceNumber(UInt64(released))))
            #expect(journal.records?.lowerBound.rawValue == UInt64(first), "released through \(released)")
        }
        // What was released and is gone is not silently left out.
        #expect(try failure { _ = try journal.payloads(from: .first) } != nil)
        #expect(try journal.payloads(from: SequenceNumber(4)).count == 4)
        try journal.append(payload(500, 8))
        try journal.release(through: journal.nextSequence.before)
        #expect(journal.records?.lowerBound.rawValue == 7)
        #expect(journal.segmentCount == (all: 9, free: 8))
    }

    @Test("after everything was released and a clean stop the numbers go on")
    func numbersGoOn() throws {
        let folder = try TemporaryFolder()
        for round in 0..<5 {
            var journal = try Journal(opening: folder.journal, options: .small(pages: 4))
            #expect(journal.nextSequence.rawValue == UInt64(round * 7 + 1))
            for number in 1...7 { try journal.append(payload(900, number)) }
            try journal.release(through: journal.nextSequence.before)
        }
    }

    @Test("other options at the next opening are taken up as segments become free", arguments: [2, 8, 32])
    func otherSize(pages: Int) throws {
        let folder = try TemporaryFolder()
        var written = (1...5).map { payload(3000, $0) }
        do {
            var journal = try Journal(opening: folder.journal, options: .small(pages: 4))
            for bytes in written { try journal.append(bytes) }
        }
        var journal = try Journal(opening: folder.journal, options: .small(pages: pages, segments: 5))
        #expect(journal.segmentCount == (all: 5, free: 3))
        #expect(try journal.payloads() == written)
        for number in 6...40 {
            written.append(payload(min(number * 400, journal.payloadBytesMax), number))
            let record = try journal.append(written[number - 1])
            try journal.release(through: record.sequence)
        }
        let scan = try Journal.scan(folder.journal)
        #expect(scan.files.allSatisfy { $0.byteCount == pages * 4096 })
        #expect(try scan.payloads() == written.suffix(try journal.payloads().count))
    }
}

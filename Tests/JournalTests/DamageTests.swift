import Foundation
import Journal
import TestSupport
import Testing

@Suite("Damage")
struct DamageTests {
    @Test("of any byte of an earlier record is refused, and of the last one costs that one alone")
    func everyByte() throws {
        let folder = try TemporaryFolder()
        let written = [payload(30, 1), payload(5000, 2), payload(300, 3)]
        do {
            var journal = try Journal(opening: folder.journal, options: .small())
            for bytes in written { try journal.append(bytes) }
        }
        let whole = try #require(try folder.files()[segmentName(1)])
        let path = "\(folder.journal)/\(segmentName(1))"
        for (index, start) in [4096, 8192, 16384].enumerated() {
            for offset in 0..<48 + written[index].count {
                try folder.patch(segmentName(1), at: start + offset, [whole[start + offset] ^ UInt8(1 << (offset % 8))])
                if index == 2 {
                    #expect(try Journal.scan(folder.journal).payloads() == Array(written[..<2]))
                } else {
                    let found = try failure { _ = try Journal.scan(folder.journal) }
                    #expect(found == damaged(path, start, index + 1), "byte \(offset) of record \(index + 1)")
                }
                try folder.patch(segmentName(1), at: start + offset, [whole[start + offset]])
            }
        }
    }

    @Test("is told at every place across segments, and opening then changes nothing")
    func acrossSegments() throws {
        let folder = try TemporaryFolder()
        do {
            var journal = try Journal(opening: folder.journal, options: .small(pages: 4, segments: 5))
            for number in 1...11 { try journal.append(payload(500, number)) }
        }
        let files = try folder.files()
        for number in 1...11 {
            let (segment, page) = ((number - 1) / 3 + 1, (number - 1) % 3 + 1)
            try folder.patch(segmentName(segment), at: page * 4096 + 100, [0])
            let before = try folder.files()
            let found = try failure { _ = try Journal(opening: folder.journal, options: .small(pages: 4, segments: 5)) }
            if number == 11 {
                #expect(found == nil)
            } else {
                // Where a whole segment is still unread, its first record says what is missing before it.
                #expect(found == damaged("\(folder.journal)/\(segmentName(segment))", page * 4096, number))
                #expect(try folder.files() == before)
            }
            try folder.replace(with: files)
        }
    }

    @Test("of two neighbours, the last record torn and the one before spoiled, is still seen by the last one's header")
    func spoiledBeforeTorn() throws {
        let folder = try TemporaryFolder()
        do {
            var journal = try Journal(opening: folder.journal, options: .small())
            for number in 1...3 { try journal.append(payload(5000, number)) }
        }
        try folder.patch(segmentName(1), at: 4096 + 8192 + 100, [0])
        try folder.patch(segmentName(1), at: 4096 + 16384 + 100, [0])
        #expect(try failure { _ = try Journal.scan(folder.journal) } == damaged("\(folder.journal)/\(segmentName(1))", 4096 + 8192, 2))
    }

    @Test("at the end of a segment is still seen by the torn record at the head of the next")
    func spoiledBeforeTornInNextSegment() throws {
        let folder = try TemporaryFolder()
        do {
            var journal = try Journal(opening: folder.journal, options: .small(pages: 4))
            for number in 1...2 { try journal.append(payload(500, number)) }
            try journal.append(payload(5000, 3))
        }
        try folder.patch(segmentName(2), at: 4096 + 100, [0])
        #expect(try Journal.scan(folder.journal).payloads().count == 2)
        try folder.patch(segmentName(1), at: 8192, Array(repeating: 0, count: 600))
        #expect(try failure { _ = try Journal.scan(folder.journal) } == damaged("\(folder.journal)/\(segmentName(1))", 8192, 2))
    }

    @Test("by a file that is gone from the middle, or from the end of the used ones, is refused")
    func missingFile() throws {
        let folder = try TemporaryFolder()
        do {
            var journal = try Journal(opening: folder.journal, options: .small(pages: 4, segments: 5))
            for number in 1...8 { try journal.append(payload(500, number)) }
        }
        let files = try folder.files()
        for generation in 2...3 {
            try folder.replace(with: files.filter { $0.key != segmentName(generation) })
            let found = try failure { _ = try Journal.scan(folder.journal) }
            guard case .damaged("\(folder.journal)/\(segmentName(generation))", 0, nil, _) = found else {
                Issue.record("segment \(generation) gone: \(String(describing: found))")
                continue
            }
        }
    }

    @Test("of all that a journal held after it had recycled a segment is refused: numbers never begin again")
    func emptyAfterRecycling() throws {
        let folder = try TemporaryFolder()
        do {
            var journal = try Journal(opening: folder.journal, options: .small(pages: 4))
            for number in 1...8 { try journal.append(payload(500, number)) }
            try journal.release(through: journal.nextSequence.before)
            #expect(journal.records?.lowerBound.rawValue == 7)
        }
        let name = segmentName(3)
        try folder.patch(name, at: 8192 + 100, [0])
        #expect(try Journal.scan(folder.journal).records?.upperBound.rawValue == 7)
        try folder.patch(name, at: 4096 + 100, [0])
        #expect(try failure { _ = try Journal.scan(folder.journal) } != nil)
        try folder.patch(name, at: 8192, Array(repeating: 0, count: 4096))
        #expect(try failure { _ = try Journal.scan(folder.journal) } == damaged("\(folder.journal)/\(name)", 4096, nil))
    }

    @Test("of a segment's header is refused at every byte, and other files and versions are told by name")
    func headers() throws {
        let folder = try TemporaryFolder()
        _ = try Journal(opening: folder.journal, options: .small())
        let whole = try #require(try folder.files()[segmentName(2)])
        let path = "\(folder.journal)/\(segmentName(2))"
        for offset in 0..<40 {
            try folder.patch(segmentName(2), at: offset, [whole[offset] ^ 1])
            switch try failure(of: { _ = try Journal(opening: folder.journal, options: .small()) }) {
            case .foreign(path, _) where offset < 12: break
            case .damaged(path, 0, nil, _) where offset >= 12: break
            case let other: Issue.record("byte \(offset): \(String(describing: other))")
            }
            try folder.patch(segmentName(2), at: offset, [whole[offset]])
        }
        try folder.put([], in: segmentName(4))
        #expect(try failure { _ = try Journal.scan(folder.journal) }.map { "\($0)" }?.contains("ANNALSAJ") == true)
    }

    @Test("by a file with a name that is none of ours is refused, and files of other kinds are left alone")
    func foreignNames() throws {
        let folder = try TemporaryFolder()
        _ = try Journal(opening: folder.journal, options: .small())
        try folder.put([1], in: "README")
        _ = try Journal(opening: folder.journal, options: .small())
        for name in ["1.aj", "000000000000000x.aj", "0000000000000000.aj", "9999999999999999.aj"] {
            try folder.put([1], in: name)
            guard case .foreign("\(folder.journal)/\(name)", _) = try failure(of: { _ = try Journal.scan(folder.journal) }) else {
                Issue.record("\(name) was taken")
                continue
            }
            try FileManager.default.removeItem(atPath: "\(folder.journal)/\(name)")
        }
        #expect(try folder.files()["README"] == [1])
    }

    private func damaged(_ path: String, _ offset: Int, _ sequence: Int?) -> JournalFailure {
        .damaged(
            path: path, offset: offset, sequence: sequence.flatMap { SequenceNumber(UInt64($0)) },
            reason: "no whole record is there, although later ones were written")
    }
}

extension SequenceNumber {
    /// The number before this one, of those that have one.
    var before: SequenceNumber { SequenceNumber(rawValue - 1) ?? self }
}

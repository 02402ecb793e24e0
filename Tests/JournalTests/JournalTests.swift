import Foundation
import Journal
import TestSupport
import Testing

@Suite("Journal")
struct JournalTests {
    @Test("what was appended is there again after opening, in order and byte for byte")
    func survivesOpening() throws {
        let folder = try TemporaryFolder()
        let written = [0, 1, 4047, 4048, 4049, 20_000].enumerated().map { payload($1, $0) }
        do {
            var journal = try Journal(opening: folder.journal, options: .small())
            #expect(journal.records == nil)
            for (index, bytes) in written.enumerated() {
                let record = try journal.append(bytes)
                #expect(record.sequence.rawValue == UInt64(index + 1))
                #expect(record.bytes == bytes)
            }
            #expect(try journal.payloads() == written)
        }
        var journal = try Journal(opening: folder.journal, options: .small())
        #expect(try journal.payloads() == written)
        #expect(journal.torn == nil)
        #expect(try journal.append([7]).sequence.rawValue == 7)
    }

    @Test("records can be read from any number on, across segments")
    func readsFrom() throws {
        let folder = try TemporaryFolder()
        var journal = try Journal(opening: folder.journal, options: .small(pages: 4))
        let written = (1...20).map { payload(100, $0) }
        for bytes in written { try journal.append(bytes) }
        for start in 1...20 {
            #expect(try journal.payloads(from: SequenceNumber(UInt64(start))) == Array(written[(start - 1)...]))
        }
        #expect(try journal.payloads(from: SequenceNumber(21)).isEmpty)
    }

    @Test("the longest record fits, and one byte more is refused before anything is written")
    func tooLong() throws {
        let folder = try TemporaryFolder()
        var journal = try Journal(opening: folder.journal, options: .small())
        let limit = journal.payloadBytesMax
        try journal.append(payload(limit))
        let before = try folder.files()
        let refused = try failure { try journal.append(payload(limit + 1)) }
        #expect(refused == .tooLong(payloadBytes: limit + 1, payloadBytesMax: limit))
        #expect(try folder.files() == before)
        #expect(try journal.append([1]).sequence.rawValue == 2)
        #expect(try journal.payloads() == [payload(limit), [1]])
    }

    @Test("a scan sees what the journal sees and changes nothing")
    func scanIsReadOnly() throws {
        let folder = try TemporaryFolder()
        let written = (1...9).map { payload(3000 * $0 % 9000, $0) }
        do {
            var journal = try Journal(opening: folder.journal, options: .small())
            for bytes in written { try journal.append(bytes) }
        }
        try folder.put([1, 2, 3], in: segmentName(4) + ".new")
        // A torn tenth record, which opening would wipe.
        let end = try #require(try Journal.scan(folder.journal).files.last { $0.records != nil })
        try folder.patch(String(end.path.suffix(19)), at: end.end + 24, [10])
        let before = try folder.files()
        let scan = try Journal.scan(folder.journal)
        #expect(try scan.payloads() == written)
        #expect(scan.torn?.path == end.path)
        #expect(scan.torn?.offset == end.end)
        #expect(scan.files.map(\.byteCount) == [65536, 65536, 65536])
        #expect(try folder.files() == before)
    }

    @Test("a new segment is all zeros but its header, and its blocks exist")
    func preallocated() throws {
        let folder = try TemporaryFolder()
        _ = try Journal(opening: folder.journal, options: .small())
        let files = try folder.files()
        #expect(files.keys.sorted() == (1...3).map { segmentName($0) })
        for (name, bytes) in files {
            #expect(bytes.count == 65536)
            #expect(bytes[40...].allSatisfy { $0 == 0 })
            var status = stat()
            #expect(lstat("\(folder.journal)/\(name)", &status) == 0)
            #expect(Int(status.st_blocks) * 512 >= 65536)
            #expect(status.st_mode & 0o777 == 0o600)
        }
    }

    @Test("what is to be done in the folder goes on while nothing is appended")
    func tends() throws {
        let folder = try TemporaryFolder()
        let background = Background()
        var options = JournalOptions.small(pages: 4)
        options.background = background.forJournal
        var journal = try Journal(opening: folder.journal, options: options)
        for number in 1...30 { try journal.append(payload(100, number)) }
        try journal.release(through: try #require(SequenceNumber(30)))
        let records = journal.records
        var turns = 0
        while journal.isTending, turns < 100 {
            background.settle()
            try journal.tend()
            turns += 1
        }
        let isThrough = !journal.isTending
        #expect(isThrough)
        #expect(journal.records == records)
        // Twice as many free ones as are made at first are kept, and not one more.
        #expect(journal.segmentCount.free == 6)
        #expect(try folder.files().count == journal.segmentCount.all)
        #expect(try Journal.scan(folder.journal).payloads() == (28...30).map { payload(100, $0) })
    }

    @Test("what was left of making segments is finished at the next opening")
    func unfinishedCreation() throws {
        let folder = try TemporaryFolder()
        _ = try Journal(opening: folder.journal, options: .small())
        var files = try folder.files()
        let third = try #require(files[segmentName(3)])
        files[segmentName(3)] = nil
        files[segmentName(3) + ".new"] = Array(third[..<9000])
        try folder.replace(with: files)
        let journal = try Journal(opening: folder.journal, options: .small())
        #expect(journal.segmentCount == (all: 3, free: 3))
        let names = try folder.files().keys.sorted()
        #expect(names == (1...3).map { segmentName($0) })
    }

    @Test("a folder that cannot be made, or is none, is a failure that names it")
    func noFolder() throws {
        let folder = try TemporaryFolder()
        let nowhere = folder.journal + "/a/b"
        #expect(try failure { _ = try Journal(opening: nowhere) } == .system(call: "mkdir", path: nowhere, code: ENOENT))
        #expect(try failure { _ = try Journal.scan(nowhere) } == .system(call: "opendir", path: nowhere, code: ENOENT))
        #expect(try failure { _ = try Journal(opening: "/dev/null") } == .system(call: "open", path: "/dev/null", code: ENOTDIR))
    }
}

import Foundation
import Journal
import TestSupport
import Testing

@Suite("A torn end")
struct TornEndTests {
    /// What a crash or a bad disk makes of the bytes from some place on.
    enum Harm: CaseIterable {
        case cut, zeroed, garbled
    }

    private static let last = 4200
    private static let earlier = [payload(100, 1), payload(5000, 2)]

    @Test("at any byte of the last record leaves exactly the earlier ones", arguments: Harm.allCases)
    func everyByte(harm: Harm) throws {
        let folder = try TemporaryFolder()
        let start = try write(in: folder)
        let whole = try #require(try folder.files()[segmentName(1)])
        let end = start + 48 + Self.last
        for offset in start..<end + 10 {
            switch harm {
            case .cut: try folder.cut(segmentName(1), to: offset)
            case .zeroed: try folder.patch(segmentName(1), at: offset, Array(repeating: 0, count: end - min(offset, end)))
            case .garbled: try folder.patch(segmentName(1), at: offset, whole[offset..<start + 8192].map { ~$0 })
            }
            let scan = try Journal.scan(folder.journal)
            // A record whose padding alone is gone is whole.
            #expect(try scan.payloads() == Self.earlier + (offset < end ? [] : [payload(Self.last, 3)]), "from byte \(offset) on")
            try folder.patch(segmentName(1), at: offset, Array(whole[offset...]))
        }
    }

    @Test("is wiped when the journal is opened, and the place is used again", arguments: Harm.allCases)
    func reopened(harm: Harm) throws {
        for offset in [0, 1, 10, 30, 47, 48, 49, 4095, 4096, 4097, 4247] {
            let folder = try TemporaryFolder()
            let start = try write(in: folder)
            let torn = try #require(try folder.files()[segmentName(1)])
            switch harm {
            case .cut: try folder.cut(segmentName(1), to: start + offset)
            case .zeroed: try folder.patch(segmentName(1), at: start + offset, Array(repeating: 0, count: 8192 - offset))
            case .garbled: try folder.patch(segmentName(1), at: start + offset, torn[(start + offset)..<start + 8192].map { ~$0 })
            }
            var journal = try Journal(opening: folder.journal, options: .small())
            #expect(try journal.payloads() == Self.earlier)
            let file = try #require(try folder.files()[segmentName(1)])
            #expect(file.count == 65536)
            #expect(file[start..<start + 4096].allSatisfy { $0 == 0 })
            // The rest of the torn record comes back, as if the disk had only been late; its head does not.
            try folder.patch(segmentName(1), at: start + 4096, Array(torn[(start + 4096)...]))
            #expect(try Journal.scan(folder.journal).payloads() == Self.earlier)
            // A record of the same length in the same place.
            try journal.append(payload(Self.last, 4))
            #expect(try Journal.scan(folder.journal).payloads() == Self.earlier + [payload(Self.last, 4)])
        }
    }

    @Test("in the head of a fresh segment is wiped, and a shorter record may go into the one before")
    func tornInNextSegment() throws {
        let folder = try TemporaryFolder()
        do {
            var journal = try Journal(opening: folder.journal, options: .small(pages: 4))
            try journal.append(payload(100, 1))
            try journal.append(payload(100, 2))
            try journal.append(payload(5000, 3))
        }
        #expect(try folder.files()[segmentName(2)]?[4096] != 0)
        try folder.patch(segmentName(2), at: 4096 + 48, [0])
        do {
            var journal = try Journal(opening: folder.journal, options: .small(pages: 4))
            #expect(journal.torn?.path == "\(folder.journal)/\(segmentName(2))")
            #expect(journal.torn?.offset == 4096)
            #expect(journal.records?.upperBound.rawValue == 2)
            try journal.append(payload(100, 3))
        }
        // Even if the torn byte turns up again, its record does not.
        try folder.patch(segmentName(2), at: 4096 + 48, Array(payload(1, 3)))
        var journal = try Journal(opening: folder.journal, options: .small(pages: 4))
        #expect(try journal.payloads() == (1...3).map { payload(100, $0) })
        try journal.append(payload(100, 4))
        #expect(try journal.payloads() == (1...4).map { payload(100, $0) })
    }

    @Test("of the very first record leaves an empty journal")
    func firstRecord() throws {
        let folder = try TemporaryFolder()
        do {
            var journal = try Journal(opening: folder.journal, options: .small())
            try journal.append(payload(9))
        }
        try folder.patch(segmentName(1), at: 4096 + 50, [0])
        let journal = try Journal(opening: folder.journal, options: .small())
        #expect(journal.records == nil)
        #expect(journal.torn != nil)
        #expect(journal.nextSequence == .first)
    }

    /// Two records and the one whose end is torn off; returns where that one begins.
    private func write(in folder: TemporaryFolder) throws -> Int {
        var journal = try Journal(opening: folder.journal, options: .small())
        for bytes in Self.earlier { try journal.append(bytes) }
        let start = try #require(try Journal.scan(folder.journal).files.first?.end)
        try journal.append(payload(Self.last, 3))
        return start
    }
}

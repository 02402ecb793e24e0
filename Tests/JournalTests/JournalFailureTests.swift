import Foundation
import Journal
import TestSupport
import Testing

@Suite("Journal failure")
struct JournalFailureTests {
    /// A device that stands in for a segment's file and fails in its own way.
    enum Device: String, CaseIterable {
        /// Every write finds it full.
        case full = "/dev/full"
        /// Takes every write, and cannot be synced.
        case unsyncable = "/dev/null"
        /// Not open for writing.
        case readOnly = "/dev/zero"

        var failure: (call: String, code: CInt) {
            switch self {
            case .full: ("write", ENOSPC)
            case .unsyncable: ("fdatasync", EINVAL)
            case .readOnly: ("write", EBADF)
            }
        }
    }

    @Test("a failed write or sync closes the journal for good, and what was answered before stays", arguments: Device.allCases)
    func closes(device: Device) throws {
        let folder = try TemporaryFolder()
        do {
            var journal = try Journal(opening: folder.journal, options: .small())
            try journal.append(payload(100, 1))
            try journal.append(payload(100, 2))
            let path = "\(folder.journal)/\(segmentName(1))"
            let replaced = try replace(path, with: device)
            let expected = JournalFailure.system(call: device.failure.call, path: path, code: device.failure.code)
            #expect(try failure { try journal.append(payload(100, 3)) } == expected)
            try restore(replaced)
            // The disk works again; the journal does not, because nobody knows what the disk has.
            for _ in 0..<3 { #expect(try failure { try journal.append(payload(100, 3)) } == expected) }
            #expect(try failure { try journal.release(through: .first) } == expected)
            #expect(journal.failure == expected)
            #expect(journal.nextSequence.rawValue == 3)
        }
        var journal = try Journal(opening: folder.journal, options: .small())
        #expect(try journal.payloads() == [payload(100, 1), payload(100, 2)])
        #expect(try journal.append([3]).sequence.rawValue == 3)
    }

    @Test("no room for one more segment is a refusal: nothing is lost, and it goes on when there is room")
    func full() throws {
        let folder = try TemporaryFolder()
        var journal = try Journal(opening: folder.journal, options: .small(pages: 4))
        for number in 1...9 { try journal.append(payload(500, number)) }
        let next = "\(folder.journal)/\(segmentName(4))"
        #expect(symlink("/dev/full", next + ".new") == 0)
        #expect(try failure { try journal.append(payload(500, 10)) } == .full(path: next, code: ENOSPC))
        #expect(journal.failure == nil)
        #expect(try Journal.scan(folder.journal).payloads() == (1...9).map { payload(500, $0) })
        #expect(try journal.append(payload(500, 10)).sequence.rawValue == 10)
        #expect(try Journal.scan(folder.journal).payloads() == (1...10).map { payload(500, $0) })
    }

    @Test("a segment that finds no room before it is needed is made when it is, and then refused")
    func fullAhead() throws {
        let folder = try TemporaryFolder()
        let background = Background()
        var options = JournalOptions.small(pages: 4)
        options.background = background.forJournal
        var journal = try Journal(opening: folder.journal, options: options)
        let next = "\(folder.journal)/\(segmentName(4))"
        #expect(symlink("/dev/full", next + ".new") == 0)
        for number in 1...8 { try journal.append(payload(500, number)) }
        background.settle()
        #expect(access(next + ".new", F_OK) == -1, "it was tried")
        try journal.append(payload(500, 9))
        #expect(symlink("/dev/full", next + ".new") == 0)
        #expect(try failure { try journal.append(payload(500, 10)) } == .full(path: next, code: ENOSPC))
        #expect(journal.failure == nil)
        try journal.append(payload(500, 10))
        // There is room again, so the next one is ready before it is needed.
        try journal.append(payload(500, 11))
        background.settle()
        #expect(access("\(folder.journal)/\(segmentName(5))", F_OK) == 0)
        #expect(try Journal.scan(folder.journal).payloads() == (1...11).map { payload(500, $0) })
    }

    @Test("a name that cannot be given in the background closes the journal for good, and nothing is lost")
    func unnamed() throws {
        let folder = try TemporaryFolder()
        let background = Background()
        var options = JournalOptions.small(pages: 4)
        options.background = background.forJournal
        var journal = try Journal(opening: folder.journal, options: options)
        for number in 1...6 { try journal.append(payload(500, number)) }
        let gone = "\(folder.journal)/\(segmentName(1))"
        try FileManager.default.moveItem(atPath: gone, toPath: gone + "-away")
        try journal.release(through: try #require(SequenceNumber(3)))
        background.settle()
        let expected = JournalFailure.system(call: "rename", path: gone, code: ENOENT)
        #expect(try failure { try journal.append(payload(500, 7)) } == expected)
        #expect(try failure { try journal.append(payload(500, 7)) } == expected)
        #expect(journal.failure == expected)
        #expect(try Journal.scan(folder.journal).payloads() == (4...6).map { payload(500, $0) })
    }

    @Test("a write that the kernel cuts short is gone on with, and the torn record is dropped", arguments: [4096, 100])
    func shortWrite(surplus: Int) async {
        await #expect(processExitsWith: .success) { [surplus] in
            let folder = try TemporaryFolder()
            do {
                var journal = try Journal(opening: folder.journal, options: .small())
                try journal.append(payload(100, 1))
                // The second record's first bytes fit below the limit, and the rest does not.
                let limit = 8192 + surplus
                try limitFileSize(bytes: limit) {
                    let failed = try failure { try journal.append(payload(9000, 2)) }
                    precondition(
                        failed == .system(call: "write", path: "\(folder.journal)/\(segmentName(1))", code: EFBIG), "\(failed as Any)")
                }
                let file = try folder.files()[segmentName(1)] ?? []
                precondition(file.count == 65536 && file[8192] == UInt8(ascii: "A") && file[limit] == 0, "half of it is there")
            }
            var journal = try Journal(opening: folder.journal, options: .small())
            precondition(journal.torn?.offset == 8192)
            try journal.append(payload(9000, 2))
            let payloads = try journal.payloads()
            precondition(payloads == [payload(100, 1), payload(9000, 2)])
        }
    }

    @Test("a failure says what happened to which file and what to do")
    func sentences() {
        let failures: [JournalFailure] = [
            .system(call: "fdatasync", path: "/d/1.aj", code: EIO), .full(path: "/d/2.aj", code: ENOSPC),
            .tooLong(payloadBytes: 9, payloadBytesMax: 8), .foreign(path: "/d/x.aj", reason: "its version is 2, known is 1"),
            .damaged(path: "/d/3.aj", offset: 4096, sequence: .first, reason: "no whole record is there"),
            .damaged(path: "/d/3.aj", offset: 0, sequence: nil, reason: "the file is missing"),
        ]
        let sentences = failures.map { "\($0)" }
        #expect(sentences[0] == "fdatasync of /d/1.aj failed: Input/output error. Check the disk and the file's owner, then restart.")
        #expect(sentences[4].hasPrefix("/d/3.aj is damaged at byte 4096, where record 1 should be: no whole record is there."))
        #expect(sentences.allSatisfy { $0.hasSuffix(".") })
    }

    /// Puts `device` in the place of every descriptor of this process that has `path` open.
    private func replace(_ path: String, with device: Device) throws -> [(descriptor: CInt, original: CInt)] {
        let stand = open(device.rawValue, device == .readOnly ? O_RDONLY : O_RDWR)
        defer { close(stand) }
        let descriptors = try descriptors(of: path)
        #expect(descriptors.count == 2, "the file is open for reading and past the cache")
        return try descriptors.map { descriptor in
            let original = dup(descriptor)
            guard original != -1, dup2(stand, descriptor) != -1 else { throw POSIXError(.EBADF) }
            return (descriptor, original)
        }
    }

    private func descriptors(of path: String) throws -> [CInt] {
        var wanted = stat()
        guard stat(path, &wanted) == 0 else { throw POSIXError(.ENOENT) }
        return try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").compactMap { CInt($0) }.filter { descriptor in
            var target = stat()
            // By device and inode: the folder's own path may lead through links.
            return fstat(descriptor, &target) == 0 && target.st_ino == wanted.st_ino && target.st_dev == wanted.st_dev
        }
    }

    private func restore(_ replaced: [(descriptor: CInt, original: CInt)]) throws {
        for (descriptor, original) in replaced {
            guard dup2(original, descriptor) != -1 else { throw POSIXError(.EBADF) }
            close(original)
        }
    }
}

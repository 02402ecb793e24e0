import Foundation
import Journal

/// A folder for one test, gone when the test is; the journal is in `journal`, which is not there at first.
struct TemporaryFolder: ~Copyable {
    private let path: String
    let journal: String

    init() throws {
        var name = Array("\(NSTemporaryDirectory())/annals-journal-XXXXXX".utf8CString)
        guard mkdtemp(&name) != nil else { throw POSIXError(.EIO) }
        path = String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        journal = path + "/journal"
    }

    deinit {
        do { try FileManager.default.removeItem(atPath: path) } catch { print("left behind: \(path): \(error)") }
    }

    /// The folder's files by name.
    borrowing func files() throws -> [String: [UInt8]] {
        var files: [String: [UInt8]] = [:]
        for name in try FileManager.default.contentsOfDirectory(atPath: journal) {
            files[name] = Array(try Data(contentsOf: URL(filePath: "\(journal)/\(name)")))
        }
        return files
    }

    /// Makes the folder hold these files and no others.
    borrowing func replace(with files: [String: [UInt8]]) throws {
        if FileManager.default.fileExists(atPath: journal) { try FileManager.default.removeItem(atPath: journal) }
        try FileManager.default.createDirectory(atPath: journal, withIntermediateDirectories: false)
        for (name, bytes) in files { try put(bytes, in: name) }
    }

    /// Writes a whole file.
    borrowing func put(_ bytes: [UInt8], in name: String) throws {
        try Data(bytes).write(to: URL(filePath: "\(journal)/\(name)"))
    }

    /// Writes over a part of a file, as a disk would: the length stays.
    borrowing func patch(_ name: String, at offset: Int, _ bytes: [UInt8]) throws {
        let descriptor = open("\(journal)/\(name)", O_WRONLY)
        defer { close(descriptor) }
        guard pwrite(descriptor, bytes, bytes.count, offset) == bytes.count else { throw POSIXError(.EIO) }
    }

    borrowing func cut(_ name: String, to length: Int) throws {
        guard truncate("\(journal)/\(name)", length) == 0 else { throw POSIXError(.EIO) }
    }
}

/// The name of the segment file of a generation.
func segmentName(_ generation: Int) -> String {
    String(repeating: "0", count: 16 - String(generation).count) + "\(generation).aj"
}

/// Bytes that differ from record to record and are never zero.
func payload(_ count: Int, _ number: Int = 1) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: ($0 &* 31 &+ number &* 101) % 255 + 1) }
}

extension JournalOptions {
    /// Segments of a few pages, so that a test goes through many of them.
    static func small(pages: Int = 16, segments: Int = 3) -> JournalOptions {
        JournalOptions(segmentBytes: pages * pageBytes, segments: segments, salt: 0x5A17)
    }
}

extension Journal {
    /// Appends a copy of `bytes`.
    @discardableResult
    mutating func append(_ bytes: [UInt8]) throws -> Record {
        var buffer = RecordBuffer()
        bytes.withUnsafeBytes { buffer.append($0) }
        return try append(buffer)
    }

    /// The payloads that are there, checked to stand in order without a gap.
    borrowing func payloads(from start: SequenceNumber? = nil) throws -> [[UInt8]] {
        try records(from: start).payloads(endingWith: records?.upperBound)
    }
}

extension JournalScan {
    func payloads() throws -> [[UInt8]] { try records(from: nil).payloads(endingWith: records?.upperBound) }
}

extension RecordCursor {
    struct OutOfOrder: Error {}

    consuming func payloads(endingWith last: SequenceNumber?) throws -> [[UInt8]] {
        var cursor = self
        var found: [[UInt8]] = []
        var expected: SequenceNumber?
        while let record = try cursor.next() {
            guard record.sequence == expected ?? record.sequence else { throw OutOfOrder() }
            expected = record.sequence.next
            found.append(record.bytes)
        }
        guard found.isEmpty || expected == last?.next else { throw OutOfOrder() }
        return found
    }
}

extension Record {
    var bytes: [UInt8] { withPayload { Array($0) } }
}

/// What `body` fails with, or nil when it ends well.
func failure(of body: () throws -> Void) throws -> JournalFailure? {
    do {
        try body()
        return nil
    } catch let failure as JournalFailure {
        return failure
    }
}

import Glibc

/// One file of the journal in one of its lives.
///
/// Invariants: records stand back to back from the first page on to `end`, and
/// carry the numbers `records`; what lies behind `end` never validates.
final class Segment {
    private(set) var generation: Generation
    /// The records in it, `nil` while it is free.
    private(set) var records: ClosedRange<SequenceNumber>?
    /// Where the next record goes.
    private(set) var end = JournalOptions.pageBytes
    let byteCount: Int
    private let file: OpenFile
    /// The same file once more, past the kernel's cache; opened by the first append.
    private var direct: OpenFile?
    private var isDirectRefused = false
    private let salt: UInt64

    var path: String { file.path }
    var seed: Seed { Seed(generation: generation, salt: salt) }
    /// Bytes still free behind the last record.
    var room: Int { byteCount - end }

    init(_ file: OpenFile, header: SegmentHeader, generation: Generation) {
        self.file = file
        self.generation = generation
        byteCount = header.segmentBytes
        salt = header.salt
    }

    convenience init(opening path: String, generation: Generation, writable: Bool) throws(JournalFailure) {
        let file = try OpenFile(opening: path, flags: writable ? O_RDWR : O_RDONLY)
        let header = try file.withBytes(at: 0, count: JournalOptions.pageBytes) { (page) throws(JournalFailure) in
            try SegmentHeader(reading: page, path: path)
        }
        self.init(file, header: header, generation: generation)
    }

    // MARK: - Reading

    /// The header at `offset`, if it is one of this life.
    func header(at offset: Int) throws(JournalFailure) -> RecordHeader? {
        try file.withBytes(at: offset, count: RecordHeader.byteCount) { bytes in
            RecordHeader(reading: bytes, seed: seed, room: byteCount - offset)
        }
    }

    /// The record at `offset`, if there is a whole one of this life.
    func record(at offset: Int) throws(JournalFailure) -> Record? {
        guard let header = try header(at: offset) else { return nil }
        var buffer = RecordBuffer(payloadCapacity: header.payloadBytes)
        try buffer.withRaw(RecordHeader.byteCount + header.payloadBytes) { (bytes) throws(JournalFailure) in
            try file.read(into: bytes, at: offset)
        }
        guard buffer.adopt(header, seed: seed) else { return nil }
        return Record(header.sequence, sealing: buffer)
    }

    /// Where the first header of this life stands at or behind `offset`, whatever its payload.
    func offsetOfHeader(from offset: Int) throws(JournalFailure) -> Int? {
        var start = offset
        while start < byteCount {
            let count = min(Self.searchBytes, byteCount - start)
            let found = try file.withBytes(at: start, count: count) { bytes in
                stride(from: 0, to: count, by: JournalOptions.pageBytes).first { page in
                    let bytes = UnsafeRawBufferPointer(rebasing: bytes[page...])
                    return RecordHeader(reading: bytes, seed: seed, room: byteCount - start - page) != nil
                }
            }
            if let found { return start + found }
            start += count
        }
        return nil
    }

    /// Whether a record seems to have been begun at `end` and not finished, or spoiled since.
    func isTorn(expecting sequence: SequenceNumber) throws(JournalFailure) -> Bool {
        guard room > 0 else { return false }
        return try file.withBytes(at: end, count: RecordHeader.byteCount) { bytes in
            RecordHeader.isLikely(bytes, sequence: sequence, generation: generation)
        }
    }

    private static let searchBytes = 256 * JournalOptions.pageBytes

    /// Whether the file is shorter than its header says.
    func isCutShort() throws(JournalFailure) -> Bool { try file.byteCount() < byteCount }

    // MARK: - Writing

    /// Takes note of the record that stands at `end`.
    func extend(by bytes: Int, holding sequence: SequenceNumber) {
        precondition(bytes <= room, "the record was not written because it has no room")
        if let records {
            precondition(sequence == records.upperBound.next, "the record does not belong here because its number does not follow")
        }
        records = (records?.lowerBound ?? sequence)...sequence
        end += bytes
    }

    /// Writes a sealed record at `end` and waits until it is on disk.
    func write(_ record: UnsafeRawBufferPointer) throws(JournalFailure) {
        precondition(record.count <= room, "the record cannot be written because it has no room")
        precondition(
            record.count.isMultiple(of: JournalOptions.pageBytes),
            "a torn write could touch another record because this one is not whole pages")
        let writer = try writer()
        do throws(JournalFailure) {
            try writer.write(record, at: end)
            try writer.sync()
        } catch .system(OpenFile.writeCall, _, EINVAL) where writer === direct {
            // The file system takes the flag but not pages of this size. Nothing was written.
            isDirectRefused = true
            try file.write(record, at: end)
            try file.sync()
        }
    }

    /// Past the cache a record is not copied once more: measured, a sync of 4 KiB
    /// takes a tenth less, one of 256 KiB a third. Memory, offset and length are whole pages anyway.
    private func writer() throws(JournalFailure) -> OpenFile {
        if isDirectRefused { return file }
        if let direct { return direct }
        do throws(JournalFailure) {
            // Glibc keeps the name without underscores behind _GNU_SOURCE, which Swift does not set.
            let opened = try OpenFile(opening: path, flags: O_RDWR | __O_DIRECT)
            direct = opened
            return opened
        } catch .system(_, _, EINVAL) {
            isDirectRefused = true  // Not every file system has it.
            return file
        }
    }

    /// Makes certain that what is read from here on is what the disk has.
    ///
    /// Two things may stand in memory alone: what a killed process wrote and did
    /// not sync, and pages that the kernel marked clean after a failed sync.
    func settle() throws(JournalFailure) {
        try file.syncWhole()
        file.forgetCache()
    }

    /// Gives the file back the length it must have: a copy may have been cut short behind its records.
    func restoreLength() throws(JournalFailure) {
        let length = try file.byteCount()
        if length >= byteCount { return }
        try file.writeZeros(from: length, to: byteCount)
        try file.syncWhole()
    }

    /// Wipes what a torn record may have left at `end`. A header that is gone can
    /// never become whole again through a later write of other bytes.
    func wipeEnd() throws(JournalFailure) {
        if room == 0 { return }
        try file.writeZeros(from: end, to: end + JournalOptions.pageBytes)
        try file.sync()
    }

    /// The file begins its next life under another name, with nothing in it.
    func begin(_ generation: Generation, path: String) {
        precondition(generation > self.generation, "stale records would validate because the generation is not a new one")
        self.generation = generation
        file.path = path
        direct?.path = path
        records = nil
        end = JournalOptions.pageBytes
    }
}

/// The newest records, each of them on disk before `append` returns.
///
/// It knows records of bytes and nothing of what they mean. It belongs to one
/// thread, the appender's, and has no lock: it is not `Sendable`, so the compiler
/// keeps it there.
///
/// What is always true, and why a crash cannot break it:
/// - **One record at a time.** A record is written with one `pwrite` and one
///   `fdatasync` before the next is begun. After a crash at most the last one is not whole.
/// - **Whole pages.** A record begins and ends on a page boundary, so a torn write
///   never touches a page of a record that was answered.
/// - **Blocks that exist.** Segments are made with every block written, so an
///   append changes no metadata of the file.
/// - **A segment's life is its name.** The number in the name, the generation, seeds
///   the checksum of every record. Reusing a segment renames it: an atomic step, synced
///   by the folder before anything is written, after which nothing in it validates.
///   So the append that moves to the next segment costs no sync more than any other.
/// - **Names without a gap.** The used segments come first, then the free ones; they
///   come and go only at the ends, one after the other, one sync each. A file missing in the middle is seen.
/// - **Nobody waits for a name.** Segments get theirs in the background (`JournalOptions.background`), and one is ready
///   before it is needed. It is used when its name is synced, not before.
/// - **Two records stay.** However much is released, the last record and the one
///   before it stay, so that numbers go on from there even if the last one is spoiled.
/// - **Failed means closed.** After a write or sync failed nobody knows what the disk
///   has. It is not tried again; every later call throws the same failure.
package struct Journal: ~Copyable {
    /// Where a record was found at opening that is not whole; it was dropped. Worth a line in the log.
    package let torn: JournalScan.Place?
    /// The failure that closed the journal.
    package private(set) var failure: JournalFailure?
    /// The number that the next record gets.
    package private(set) var nextSequence: SequenceNumber

    private let folder: JournalFolder
    private let options: JournalOptions
    /// The segments that hold records, oldest first; the last takes the next record.
    private var used: [Segment]
    /// Segments whose records nobody needs, oldest first, that have their old names still.
    private var retired: [Segment] = []
    /// Segments without records, in the order in which they will be used.
    private var free: [Segment]
    /// The change of the folder that is under way.
    private var errand: FolderErrand?
    /// The last segment that was to be made before it is needed found no room.
    private var isShortOfRoom = false

    /// Opens the journal in the folder `directory`, or makes one there.
    ///
    /// Every record is read and verified. A torn end is wiped; damage is refused,
    /// and then nothing has been changed. Segments of another size than
    /// `options` asks for are used up and replaced as they become free.
    /// - Throws: `damaged`, `foreign`, `full` or `system`.
    package init(opening directory: String, options: JournalOptions = JournalOptions()) throws(JournalFailure) {
        let folder = JournalFolder(path: directory)
        try folder.make()
        // A process that was killed may have left a name in memory alone.
        try folder.sync()
        let scan = try JournalScan(folder, writable: true)
        try folder.removeUnfinished()
        for segment in scan.segments { try segment.restoreLength() }
        for segment in scan.nextPlaces { try segment.wipeEnd() }
        free = try Self.freeSegments(of: scan, options)
        used = Array(scan.used)
        torn = scan.torn
        nextSequence = scan.next
        self.folder = folder
        self.options = options
    }

    /// Reads and verifies the journal in `directory` without changing anything: for a
    /// folder that no daemon has open, or a copy of one.
    package static func scan(_ directory: String) throws(JournalFailure) -> JournalScan {
        try JournalScan(JournalFolder(path: directory), writable: false)
    }

    /// The longest payload that one record may have.
    package var payloadBytesMax: Int { options.payloadBytesMax }

    /// The records that are there: all that were not released, and some that were.
    package var records: ClosedRange<SequenceNumber>? {
        guard let first = used.first?.records, let last = used.last?.records else { return nil }
        return first.lowerBound...last.upperBound
    }

    /// Bytes of all segment files.
    package var byteCount: Int { (retired + used + free).reduce(0) { $0 + $1.byteCount } }
    /// Segment files, and how many of them are free.
    package var segmentCount: (all: Int, free: Int) { (retired.count + used.count + free.count, free.count) }

    /// The records from `start` on, oldest first; all of them without it. Meant
    /// for replaying after the opening; use it up before anything is released.
    ///
    /// A number is good for one opening. Across openings keep something of the payload
    /// instead: a last record that was spoiled is dropped, and its number given again.
    package func records(from start: SequenceNumber? = nil) -> RecordCursor {
        RecordCursor(used[...], from: start)
    }

    /// Writes the buffer as the next record. When this returns, it is on disk.
    ///
    /// - Throws: `tooLong` and `full` leave the journal as it was, and open. Every
    ///   other failure closes it for good.
    package mutating func append(_ buffer: consuming RecordBuffer) throws(JournalFailure) -> Record {
        if let failure { throw failure }
        guard buffer.payloadCount <= payloadBytesMax else {
            throw .tooLong(payloadBytes: buffer.payloadCount, payloadBytesMax: payloadBytesMax)
        }
        try keepFolder()
        let sequence = nextSequence
        let segment = try segmentWithRoom(buffer.recordBytes)
        let header = buffer.seal(sequence, seed: segment.seed)
        do throws(JournalFailure) {
            try buffer.withRaw(header.recordBytes) { (bytes) throws(JournalFailure) in
                try segment.write(UnsafeRawBufferPointer(bytes))
            }
        } catch {
            throw close(error)
        }
        segment.extend(by: header.recordBytes, holding: sequence)
        if used.last !== segment { used.append(free.removeFirst()) }
        nextSequence = sequence.next
        return Record(sequence, sealing: buffer)
    }

    /// Says that nobody needs the records up to `sequence` any more.
    ///
    /// Segments of which that is true are made ready for their next life, or removed while there are more than enough: one after
    /// the other, with a sync of the folder for each. In the background, `tend` goes on with it.
    /// - Throws: the failure closes the journal for good.
    package mutating func release(through sequence: SequenceNumber) throws(JournalFailure) {
        if let failure { throw failure }
        precondition(sequence < nextSequence, "a record cannot be released because it was not appended yet")
        while let oldest = used.first, let records = oldest.records,
            records.upperBound <= sequence, records.upperBound.next.next < nextSequence
        {
            retired.append(used.removeFirst())
        }
        try keepFolder()
    }

    private mutating func segmentWithRoom(_ bytes: Int) throws(JournalFailure) -> Segment {
        if let last = used.last, last.room >= bytes { return last }
        while free.isEmpty, errand != nil {
            options.background?.settle()
            try keepFolder()
        }
        if let first = free.first { return first }
        do {
            let generation = nextGeneration
            try folder.create(generation, options)
            let segment = try folder.open(generation)
            free.append(segment)
            isShortOfRoom = false
            return segment
        } catch {
            // Nothing of the journal was touched, so there is nothing to be unsure of.
            if case .full = error { throw error }
            throw close(error)
        }
    }

    private mutating func close(_ failure: JournalFailure) -> JournalFailure {
        self.failure = failure
        return failure
    }
}

extension Journal {
    /// The generation of the next segment to be made.
    private var nextGeneration: Generation { (free.last ?? used.last ?? retired.last)?.generation.next ?? .first }

    /// Whether something is being done in the folder, or is still to be done.
    package var isTending: Bool { errand != nil || !retired.isEmpty }

    /// Goes on with what is to be done in the folder. Waits for nothing that is done in the background.
    /// - Throws: the failure closes the journal for good.
    package mutating func tend() throws(JournalFailure) {
        if let failure { throw failure }
        try keepFolder()
    }

    /// Takes what was done in the folder since the last time, and has the next thing done.
    private mutating func keepFolder() throws(JournalFailure) {
        while true {
            if let errand {
                guard let result = errand.result else { return }
                self.errand = nil
                do throws(JournalFailure) {
                    try result.get()
                    try conclude(errand.change)
                } catch {
                    guard case (.create, .full) = (errand.change, error) else { throw close(error) }
                    isShortOfRoom = true
                }
            }
            guard let change = nextChange else { return }
            let next = FolderErrand(change)
            next.begin(in: folder, options)
            errand = next
        }
    }

    /// One at a time, the old ones first: so the names have no gap, whichever of them a crash finds done.
    private var nextChange: FolderErrand.Change? {
        if let oldest = retired.first {
            return isSurplus(oldest) ? .remove(oldest.generation) : .recycle(oldest.generation, as: nextGeneration)
        }
        let isOneReady = options.background == nil || used.isEmpty || !free.isEmpty
        return isOneReady || isShortOfRoom ? nil : .create(nextGeneration)
    }

    /// In the background more of them are kept: one that is removed after each peak would have to be made anew before the next.
    private func isSurplus(_ segment: Segment) -> Bool {
        if segment.byteCount != options.segmentBytes { return true }
        if options.background != nil { return free.count >= 2 * options.segments }
        return retired.count - 1 + used.count + free.count >= options.segments
    }

    private mutating func conclude(_ change: FolderErrand.Change) throws(JournalFailure) {
        isShortOfRoom = false
        switch change {
        case .create(let generation): free.append(try folder.open(generation))
        case .recycle(_, let generation):
            let segment = retired.removeFirst()
            segment.begin(generation, path: folder.path(of: generation))
            free.append(segment)
        case .remove: retired.removeFirst()
        }
    }

    /// Brings the free segments to the size and, with the used ones, to the number
    /// that the options ask for. From the young end, so that the names stay without a gap.
    private static func freeSegments(
        of scan: JournalScan, _ options: JournalOptions
    ) throws(JournalFailure) -> [Segment] {
        var free = Array(scan.segments[scan.used.endIndex...])
        while free.contains(where: { $0.byteCount != options.segmentBytes }) || scan.used.count + free.count > options.segments,
            let last = free.popLast()
        {
            try scan.folder.remove(last.generation)
        }
        while scan.used.count + free.count < options.segments {
            let generation = (free.last ?? scan.used.last)?.generation.next ?? .first
            try scan.folder.create(generation, options)
            free.append(try scan.folder.open(generation))
        }
        return free
    }
}

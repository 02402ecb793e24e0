/// What a journal folder holds, read once from end to end and verified; nothing is changed.
///
/// How a torn end is told from damage. Each record is synced before the next is
/// begun, and a new segment is begun only where the one before is full. So after a
/// crash at most one record is not whole, and nothing of this life of any segment
/// stands behind it: not even a header. Whatever does stand behind a gap therefore
/// proves that the gap was once a record that somebody was answered for:
/// - a header behind the place where the records of a segment end,
/// - a header at that place, or at the head of the next segment, with another number than the next,
/// - a header in any segment behind one that has no record,
/// - a missing file between two others, or no record at all in a journal that has
///   recycled a segment (`Journal.release` always leaves two).
/// Damage to the very last record cannot be told from a torn write; it is dropped,
/// and `torn` says where.
package struct JournalScan {
    /// What one segment file holds.
    package struct File: Equatable, Sendable {
        /// Where it is.
        package let path: String
        /// Its size, as its header says.
        package let byteCount: Int
        /// The records in it, `nil` while it is free.
        package let records: ClosedRange<SequenceNumber>?
        /// The offset behind the last record.
        package let end: Int
    }

    /// A place in a segment file.
    package struct Place: Equatable, Sendable {
        /// The file.
        package let path: String
        /// Bytes from its beginning.
        package let offset: Int
    }

    /// Where a record was begun that is not whole, if there is a trace of one. It was dropped.
    package private(set) var torn: Place?

    let folder: JournalFolder
    let segments: [Segment]

    /// The segment files, oldest first.
    package var files: [File] {
        segments.map { File(path: $0.path, byteCount: $0.byteCount, records: $0.records, end: $0.end) }
    }

    /// The files that are shorter than their headers say: those of a copy that was cut short, perhaps with records in them.
    package func filesCutShort() throws(JournalFailure) -> [File] {
        var found: [File] = []
        for (segment, file) in zip(segments, files) where try segment.isCutShort() { found.append(file) }
        return found
    }

    /// The records that are there.
    package var records: ClosedRange<SequenceNumber>? {
        guard let first = used.first?.records, let last = used.last?.records else { return nil }
        return first.lowerBound...last.upperBound
    }

    /// The number that the next record gets.
    var next: SequenceNumber { records?.upperBound.next ?? .first }

    /// The segments that hold records: all that do stand before all that do not.
    var used: ArraySlice<Segment> { segments.prefix { $0.records != nil } }

    /// Reads the journal in `folder`. With `writable`, what is read is first made durable.
    init(_ folder: JournalFolder, writable: Bool) throws(JournalFailure) {
        self.folder = folder
        var segments: [Segment] = []
        for generation in try folder.generations() {
            let segment = try Segment(opening: folder.path(of: generation), generation: generation, writable: writable)
            if writable { try segment.settle() }
            segments.append(segment)
        }
        self.segments = segments
        try findRecords()
        torn = try findTorn()
    }

    /// The records from `start` on, oldest first; all of them without it.
    package func records(from start: SequenceNumber? = nil) -> RecordCursor {
        RecordCursor(used, from: start)
    }

    private func findRecords() throws(JournalFailure) {
        var next: SequenceNumber? = segments.first?.generation == .first ? .first : nil
        // The first segment without a record: no later one was ever begun.
        var empty: Place?
        // Where the segment before ends, if there is room for a record.
        var previous: Place?
        for segment in segments {
            while empty == nil, let record = try segment.record(at: segment.end), record.sequence == next ?? record.sequence {
                segment.extend(by: record.recordBytes, holding: record.sequence)
                next = record.sequence.next
                previous = nil
            }
            // A torn record may stand here: the one that comes next, and no other.
            let header = try segment.header(at: segment.end)
            let isNext = empty == nil && header != nil && header?.sequence == next ?? header?.sequence
            if try segment.offsetOfHeader(from: segment.end + (isNext ? JournalOptions.pageBytes : 0)) != nil {
                let skipped = header != nil && !isNext ? previous : nil
                throw Self.gap(empty ?? skipped ?? Self.place(segment), next)
            }
            if segment.records == nil, empty == nil { empty = Self.place(segment) }
            previous = segment.room > 0 ? Self.place(segment) : nil
        }
        if let first = segments.first, first.generation != .first, first.records == nil {
            throw Self.gap(Self.place(first), nil)
        }
    }

    /// Looks where the last append may have gone: behind the last record, and at
    /// the head of the next segment, if it found the rest of the one before too short.
    private func findTorn() throws(JournalFailure) -> Place? {
        for segment in nextPlaces where try segment.isTorn(expecting: next) { return Self.place(segment) }
        return nil
    }

    /// The segment that the next record may go into: the last one used and the first one free.
    var nextPlaces: ArraySlice<Segment> {
        segments[max(used.endIndex - 1, 0)..<min(used.endIndex + 1, segments.endIndex)]
    }

    private static func place(_ segment: Segment) -> Place { Place(path: segment.path, offset: segment.end) }

    private static func gap(_ place: Place, _ sequence: SequenceNumber?) -> JournalFailure {
        .damaged(
            path: place.path, offset: place.offset, sequence: sequence,
            reason: "no whole record is there, although later ones were written")
    }
}

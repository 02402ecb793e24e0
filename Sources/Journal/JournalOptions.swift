/// How large a journal's segments are and how many it keeps.
package struct JournalOptions: Sendable {
    /// Bytes of one segment file, its header page included.
    package let segmentBytes: Int
    /// Segments made at creation, and kept when there is nothing to do.
    package let segments: Int
    /// A secret number that goes into the seed of every checksum, kept in the segment's header.
    ///
    /// Without it a client could put a well-formed record of the future into a
    /// message body: once that page has become the stale rest of a recycled
    /// segment, the next start would take it for proof of damage.
    package let salt: UInt64
    /// Where segments get their next names, and where further ones are made, while records go on to others; nil: where the records are
    /// written, between them. Both take syncs of the folder, and a new segment is written to its end.
    package var background: Background?

    /// A thread that does what it is given, one thing after the other.
    package struct Background: Sendable {
        let add: @Sendable (_ work: @escaping @Sendable () -> Void) -> Void
        let settle: @Sendable () -> Void

        /// - Parameter settle: returns when all is done that was given before.
        package init(add: @escaping @Sendable (@escaping @Sendable () -> Void) -> Void, settle: @escaping @Sendable () -> Void) {
            self.add = add
            self.settle = settle
        }
    }

    /// A record begins on such a boundary and is padded up to the next, so
    /// that a torn write never touches a page of a record that was answered.
    package static let pageBytes = 4096
    /// What a segment may measure; also asked of every header read from disk.
    package static let segmentBytesLimits = 2 * pageBytes...1 << 30

    /// - Precondition: whole pages within `segmentBytesLimits`, and two segments at least.
    package init(
        segmentBytes: Int = 16 << 20, segments: Int = 4,
        salt: UInt64 = .random(in: .min ... .max)
    ) {
        precondition(
            Self.isSegmentSize(segmentBytes), "a segment is whole pages within its limits because records are whole pages")
        precondition(segments >= 2, "a journal needs two segments because one fills while the other is folded")
        self.segmentBytes = segmentBytes
        self.segments = segments
        self.salt = salt
    }

    /// The longest payload that a segment of this size can hold.
    package var payloadBytesMax: Int { segmentBytes - Self.pageBytes - RecordHeader.byteCount }

    static func isSegmentSize(_ bytes: Int) -> Bool {
        segmentBytesLimits.contains(bytes) && bytes.isMultiple(of: pageBytes)
    }

    /// The bytes that `count` bytes take up in whole pages.
    @usableFromInline static func paged(_ count: Int) -> Int {
        (count + pageBytes - 1) / pageBytes * pageBytes
    }
}

/// Goes through the records of a journal one by one, oldest first; only one at a time is in memory.
///
/// It ends with the record that was the last when it was made. Use it up before
/// the journal releases anything: it reads the files themselves.
package struct RecordCursor: ~Copyable {
    private var segments: ArraySlice<(segment: Segment, last: SequenceNumber)>
    private var offset = JournalOptions.pageBytes
    private var expected: SequenceNumber?
    private let start: SequenceNumber?
    /// Why the records that were asked for cannot be given: the journal begins behind them.
    private var missing: JournalFailure?

    /// `segments` all hold records, and in order.
    init(_ segments: ArraySlice<Segment>, from start: SequenceNumber?) {
        self.start = start
        var found: [(segment: Segment, last: SequenceNumber)] = []
        for segment in segments {
            guard let records = segment.records else { break }
            if let start, records.upperBound < start { continue }
            if found.isEmpty { expected = records.lowerBound }
            found.append((segment, records.upperBound))
        }
        self.segments = found[...]
        if let start, let expected, start < expected, let first = found.first {
            missing = .damaged(
                path: first.segment.path, offset: JournalOptions.pageBytes, sequence: start,
                reason: "the oldest record that is there is \(expected)")
        }
    }

    /// The next record, or `nil` behind the last one.
    ///
    /// - Throws: `damaged` if a record that was whole when the journal was opened is not any
    ///   more, or if the journal begins behind the start that was asked for.
    package mutating func next() throws(JournalFailure) -> Record? {
        if let missing { throw missing }
        while let (segment, last) = segments.first, let sequence = expected {
            // A record before the start is only stepped over by its header.
            let isWanted = start.map { sequence >= $0 } ?? true
            let header = try segment.header(at: offset)
            let record = isWanted ? try segment.record(at: offset) : nil
            guard let header, header.sequence == sequence, !isWanted || record != nil else {
                throw .damaged(
                    path: segment.path, offset: offset, sequence: sequence, reason: "the record was there when the journal was opened")
            }
            offset += header.recordBytes
            expected = sequence.next
            if sequence == last {
                segments.removeFirst()
                offset = JournalOptions.pageBytes
            }
            if let record { return record }
        }
        return nil
    }
}

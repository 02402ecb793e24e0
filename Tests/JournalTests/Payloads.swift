import Journal

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

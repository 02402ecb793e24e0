import Glibc

/// A record that is on disk: bytes that never change again.
///
/// The tail in memory keeps these, and many threads read them at once.
package final class Record: Sendable {
    /// Its place in the journal.
    package let sequence: SequenceNumber
    /// Bytes of payload.
    package let payloadCount: Int
    /// Bytes of memory that it holds on to: for whoever bounds a collection of records.
    package let memoryBytes: Int

    /// Bytes on disk, header and padding included.
    var recordBytes: Int { JournalOptions.paged(RecordHeader.byteCount + payloadCount) }

    // Safe to share: the memory was taken from a consumed RecordBuffer, so nobody
    // else has it; nothing here writes to it; and deinit runs when no one reads any more.
    private nonisolated(unsafe) let base: UnsafeRawPointer

    init(_ sequence: SequenceNumber, sealing buffer: consuming RecordBuffer) {
        self.sequence = sequence
        payloadCount = buffer.payloadCount
        memoryBytes = buffer.capacity
        base = UnsafeRawPointer(buffer.relinquish())
    }

    deinit { free(UnsafeMutableRawPointer(mutating: base)) }

    /// Lends the payload. The pointer is good until `body` returns.
    package func withPayload<Result: ~Copyable, Failure>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        // Without this the last reference could go while `body` still reads.
        defer { extendLifetime(self) }
        return try body(UnsafeRawBufferPointer(start: base + RecordHeader.byteCount, count: payloadCount))
    }

    /// Lends a part of the payload.
    package func withBytes<Result: ~Copyable, Failure>(
        _ range: Range<Int>, _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        precondition(
            range.lowerBound >= 0 && range.upperBound <= payloadCount, "the bytes cannot be lent because they lie outside the record")
        return try withPayload { (bytes) throws(Failure) in try body(UnsafeRawBufferPointer(rebasing: bytes[range])) }
    }
}

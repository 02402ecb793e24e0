import Glibc

/// Where the next record takes shape: a growing, page-aligned run of bytes with
/// room for the record's header in front.
///
/// The appender encodes straight into it, and `Journal.append` writes it from
/// where it lies: no copy between an event and the disk. Until then it belongs
/// to one thread; from then on it is an immutable `Record` that anyone may read.
///
/// Invariants: `byteCount` counts the header too and is never below its length;
/// the capacity is whole pages and never below `byteCount`.
package struct RecordBuffer: ~Copyable {
    @usableFromInline package private(set) var base: UnsafeMutableRawPointer
    @usableFromInline package private(set) var capacity: Int
    @usableFromInline package var byteCount: Int

    /// An empty record with room for `payloadCapacity` bytes before it has to grow.
    package init(payloadCapacity: Int = 0) {
        precondition(payloadCapacity >= 0, "a record cannot have less than no bytes")
        capacity = JournalOptions.paged(RecordHeader.byteCount + payloadCapacity)
        base = Self.allocate(capacity)
        byteCount = RecordHeader.byteCount
    }

    deinit { free(base) }

    /// Bytes appended so far.
    @inlinable package var payloadCount: Int { byteCount - RecordHeader.byteCount }

    /// Appends one byte.
    @inlinable package mutating func append(_ byte: UInt8) {
        if byteCount == capacity { grow(toHold: byteCount + 1) }
        base.storeBytes(of: byte, toByteOffset: byteCount, as: UInt8.self)
        byteCount += 1
    }

    /// Appends a copy of `bytes`.
    @inlinable package mutating func append(_ bytes: UnsafeRawBufferPointer) {
        guard let source = bytes.baseAddress, bytes.count > 0 else { return }
        if capacity - byteCount < bytes.count { grow(toHold: byteCount + bytes.count) }
        (base + byteCount).copyMemory(from: source, byteCount: bytes.count)
        byteCount += bytes.count
    }

    /// Appends what `fill` writes into room for `count` bytes; `fill` returns how many it wrote.
    @inlinable package mutating func append<Failure>(
        atMost count: Int, filling fill: (UnsafeMutableRawBufferPointer) throws(Failure) -> Int
    ) throws(Failure) {
        precondition(count >= 0, "a record cannot grow by less than no bytes")
        if capacity - byteCount < count { grow(toHold: byteCount + count) }
        let written = try fill(UnsafeMutableRawBufferPointer(start: base + byteCount, count: count))
        precondition((0...count).contains(written), "the record would end in bytes that nobody wrote because fill wrote beyond its room")
        byteCount += written
    }

    /// Sets `count` bytes aside to be filled in later with `write(_:at:)`. Returns
    /// where they begin; they are zero until then.
    @inlinable package mutating func reserve(_ count: Int) -> Int {
        precondition(count >= 0, "a record cannot grow by less than no bytes")
        if capacity - byteCount < count { grow(toHold: byteCount + count) }
        let offset = payloadCount
        (base + byteCount).initializeMemory(as: UInt8.self, repeating: 0, count: count)
        byteCount += count
        return offset
    }

    /// Writes over bytes that are already there, for lengths known only afterwards.
    @inlinable package mutating func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) {
        precondition(offset >= 0 && bytes.count <= payloadCount - offset, "the bytes lie outside because they were not reserved")
        guard let source = bytes.baseAddress else { return }
        (base + RecordHeader.byteCount + offset).copyMemory(from: source, byteCount: bytes.count)
    }

    /// Forgets everything from `count` bytes of payload on: how the appender takes a refused draft back.
    @inlinable package mutating func truncate(to count: Int) {
        precondition((0...payloadCount).contains(count), "a record cannot be cut beyond its end")
        byteCount = RecordHeader.byteCount + count
    }

    /// Lends the bytes appended so far.
    @inlinable package borrowing func withPayload<Result: ~Copyable, Failure>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(UnsafeRawBufferPointer(start: base + RecordHeader.byteCount, count: payloadCount))
    }

    /// What is in it, leaving an empty buffer behind that has room for as much again.
    package mutating func take() -> RecordBuffer {
        var other = RecordBuffer(payloadCapacity: payloadCount)
        swap(&self, &other)
        return other
    }

    @usableFromInline package mutating func grow(toHold count: Int) {
        let grown = JournalOptions.paged(max(count, 2 * capacity))
        let moved = Self.allocate(grown)
        moved.copyMemory(from: base, byteCount: byteCount)
        free(base)
        base = moved
        capacity = grown
    }

    /// Bytes of the whole record on disk, header and padding included.
    var recordBytes: Int { JournalOptions.paged(byteCount) }

    /// Seals: zeroes what is left of the last page, so that no refused draft reaches
    /// the disk as padding, and puts the header in front.
    mutating func seal(_ sequence: SequenceNumber, seed: Seed) -> RecordHeader {
        let header = withPayload { RecordHeader(payload: $0, sequence: sequence, seed: seed) }
        header.write(to: UnsafeMutableRawBufferPointer(start: base, count: RecordHeader.byteCount), seed: seed)
        (base + byteCount).initializeMemory(as: UInt8.self, repeating: 0, count: header.recordBytes - byteCount)
        return header
    }

    /// Lends the first `count` bytes, header included, for the disk to read and write.
    @discardableResult
    mutating func withRaw<Result, Failure>(
        _ count: Int, _ body: (UnsafeMutableRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        if count > capacity { grow(toHold: count) }
        return try body(UnsafeMutableRawBufferPointer(start: base, count: count))
    }

    /// Takes over what `withRaw` has put there, if it is the record that `header` announced.
    mutating func adopt(_ header: RecordHeader, seed: Seed) -> Bool {
        byteCount = RecordHeader.byteCount + header.payloadBytes
        return withPayload { header.matches(payload: $0, seed: seed) }
    }

    /// Gives the memory away; who takes it frees it.
    consuming func relinquish() -> UnsafeMutableRawPointer {
        let base = base
        discard self
        return base
    }

    private static func allocate(_ count: Int) -> UnsafeMutableRawPointer {
        var memory: UnsafeMutableRawPointer?
        let code = posix_memalign(&memory, JournalOptions.pageBytes, count)
        guard code == 0, let memory else { preconditionFailure("a record cannot grow because there is no memory left") }
        return memory
    }
}

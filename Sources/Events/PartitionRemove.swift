/// The trail of a partition reached the end of its own retention: the partition is removed whole, and leaves a tombstone.
///
/// Written before anything is removed; a crash behind it is mended by removing what is still there.
package struct PartitionRemove: Hashable, Sendable {
    package let partition: Int32
    /// How long a trail was kept when this was decided.
    package let period: Period
    /// Of the events that leave the log, and of those of the partition that stay in it: the first and the last.
    package let first: Position
    package let last: Position
    package let events: UInt64
    package let messages: UInt64
    /// Of the tombstone: 32 bytes.
    package let digest: [UInt8]

    package init(
        partition: Int32, period: Period, first: Position, last: Position, events: UInt64, messages: UInt64, digest: [UInt8]
    ) {
        precondition(digest.count == Self.digestByteCount, "a digest has 32 bytes because it is a SHA-256")
        precondition(first >= .first && last >= first, "a partition is removed with its events because it has some")
        precondition(messages <= events && events <= Int64.max, "counts are below 2^63 because they are counted with")
        self.partition = partition
        self.period = period
        self.first = first
        self.last = last
        self.events = events
        self.messages = messages
        self.digest = digest
    }

    package static let digestByteCount = 32
}

extension PartitionRemove {
    func write(into writer: inout TrailWriter) {
        writer.varint(UInt64(UInt32(bitPattern: partition)))
        RetentionChange.Rule.keep(period).write(into: &writer)
        writer.varint(first.rawValue)
        writer.varint(last.rawValue)
        writer.varint(events)
        writer.varint(messages)
        digest.withUnsafeBytes { writer.raw($0) }
    }

    init(decoding reader: inout TrailReader, tenant: TenantID?) throws(TrailFault) {
        guard tenant == nil else { throw .malformed("tenant") }
        guard let partition = UInt32(exactly: try reader.varint()) else { throw .malformed("partition") }
        guard case .keep(let period) = try RetentionChange.Rule(decoding: &reader) else { throw .malformed("period") }
        let (first, last) = (try reader.position("first position"), try reader.position("last position"))
        let (events, messages) = (try reader.count("number of events"), try reader.count("number of messages"))
        guard last >= first, messages <= events else { throw .malformed("counts") }
        self.init(
            partition: Int32(bitPattern: partition), period: period, first: first, last: last, events: events, messages: messages,
            digest: try reader.bytes(Self.digestByteCount))
        try reader.end()
    }
}

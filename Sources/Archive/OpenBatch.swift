import Events
import Journal
import Projections

/// The batch that is being gathered: events are encoded straight into the record that the journal will write.
///
/// Owned by the appender. The header's count and first position are filled in when it is sealed.
struct OpenBatch: ~Copyable {
    private var buffer: RecordBuffer
    private var entries: [Batch.Entry] = []
    private(set) var conversations: [UInt64] = []
    private(set) var messages: [UInt64] = []
    private(set) var others: [Int] = []
    let first: Position
    /// Part of every nonce of the batch. A batch that a crash tore was never answered, and its positions are given out again: with other
    /// random bytes, so that no key ever seals two bodies with one nonce.
    let noncePrefix: UInt32

    init(first: Position, payloadCapacity: Int, noncePrefix: UInt32) {
        self.first = first
        self.noncePrefix = noncePrefix
        buffer = RecordBuffer(payloadCapacity: payloadCapacity)
        _ = buffer.reserve(Batch.headerBytes)
    }

    var isEmpty: Bool { entries.isEmpty }
    var count: Int { entries.count }
    var bytes: Int { buffer.payloadCount }
    /// The position that the next event gets.
    var next: Position { Position(first.rawValue + UInt64(entries.count)) }

    /// What an event is indexed by.
    struct Keys {
        var kind: EventKind
        var at: Instant
        var conversation: UInt64
        var message: UInt64 = 0
    }

    /// Encodes one event. `writeTrail` writes the record into its room, `writeBody` then fills exactly `bodyBytes` and is shown the record.
    mutating func append(
        _ keys: Keys, trailBytesMax: Int, bodyBytes: Int, writeTrail: (inout TrailWriter) -> Void,
        writeBody: (UnsafeMutableRawBufferPointer, _ record: UnsafeRawBufferPointer) -> Void
    ) {
        let start = buffer.payloadCount
        var trailBytes = 0
        buffer.append(atMost: Batch.entryHeaderBytes + trailBytesMax + bodyBytes) { room in
            var writer = TrailWriter(into: UnsafeMutableRawBufferPointer(rebasing: room[Batch.entryHeaderBytes...]))
            writeTrail(&writer)
            trailBytes = writer.count
            room.storeBytes(of: UInt32(trailBytes).bigEndian, as: UInt32.self)
            room.storeBytes(of: UInt32(bodyBytes).bigEndian, toByteOffset: 4, as: UInt32.self)
            let bodyStart = Batch.entryHeaderBytes + trailBytes
            if bodyBytes > 0 {
                writeBody(
                    UnsafeMutableRawBufferPointer(rebasing: room[bodyStart..<bodyStart + bodyBytes]),
                    UnsafeRawBufferPointer(rebasing: room[Batch.entryHeaderBytes..<bodyStart]))
            }
            return bodyStart + bodyBytes
        }
        entries.append(
            Batch.Entry(
                trailOffset: UInt32(start + Batch.entryHeaderBytes), trailBytes: UInt32(trailBytes), bodyBytes: UInt32(bodyBytes),
                kind: keys.kind, at: keys.at))
        conversations.append(keys.conversation)
        messages.append(keys.message)
        if keys.kind != .send { others.append(entries.count - 1) }
    }

    /// Appends a whole event without a body.
    mutating func append(_ event: Event, _ names: IndexedNames) {
        let trail = event.encoded()
        append(
            Keys(kind: event.kind, at: event.at, conversation: names.conversation, message: names.message), trailBytesMax: trail.count,
            bodyBytes: 0,
            writeTrail: { writer in trail.withUnsafeBytes { writer.raw($0) } }, writeBody: { _, _ in })
    }

    func at(_ index: Int) -> Instant { entries[index].at }
    func kind(_ index: Int) -> EventKind { entries[index].kind }

    func withTrailAndBody<Result>(at index: Int, _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) -> Result) -> Result {
        let entry = entries[index]
        return buffer.withPayload { payload in
            body(
                UnsafeRawBufferPointer(rebasing: payload[entry.trailRange]), UnsafeRawBufferPointer(rebasing: payload[entry.bodyRange]))
        }
    }

    /// Writes the batch to the journal and syncs it. When this returns, the batch is durable.
    consuming func commit(to journal: inout Journal) throws(JournalFailure) -> Batch {
        precondition(!entries.isEmpty, "an empty batch cannot be committed because it has no positions")
        writeHeader()
        let record = try journal.append(buffer)
        return Batch(
            record: record, first: first, entries: entries, conversations: conversations, messages: messages, others: others)
    }

    private mutating func writeHeader() {
        withUnsafeBytes(of: (Batch.version, UInt8(0), UInt8(0), UInt8(0))) { buffer.write($0, at: 0) }
        withUnsafeBytes(of: UInt32(entries.count).bigEndian) { buffer.write($0, at: 4) }
        withUnsafeBytes(of: first.rawValue.bigEndian) { buffer.write($0, at: 8) }
    }
}

import Events
import Journal
import Projections

/// Events that were journaled together: one record of the journal, and where in it each event lies.
///
/// A record's payload, integers big-endian:
/// ```
/// version u8 = 1 | 3 zero bytes | count u32 | first position u64
/// count × (trail bytes u32 | body bytes u32 | trail record | body as stored)
/// ```
/// Never changes once it is on disk, so that readers, the fold and the appender share it without a lock.
final class Batch: Sendable {
    let record: Record
    let first: Position
    let entries: [Entry]
    /// Of each event: its conversation's fingerprint (0 for none). Apart from the entries, so that looking for one reads little memory.
    let conversations: [UInt64]
    /// Of each event: its message id's fingerprint (0 for all but a `send`, and a reading, which has another one).
    let messages: [UInt64]
    /// Indexes of the events that are no `send`.
    let others: [Int]

    struct Entry: Sendable {
        var trailOffset: UInt32
        var trailBytes: UInt32
        var bodyBytes: UInt32
        var kind: EventKind
        var at: Instant
    }

    static let version: UInt8 = 1
    static let headerBytes = 16
    static let entryHeaderBytes = 8
    /// What an event adds to a batch beside its body, at most: a local delete of many messages is the longest.
    static let entryOverheadMax = entryHeaderBytes + TrailWriter.sendBytesMax + LocalDelete.targetsMax * (11 + NameFault.bytesMax)

    init(
        record: Record, first: Position, entries: [Entry], conversations: [UInt64], messages: [UInt64], others: [Int]
    ) {
        precondition(!entries.isEmpty, "an empty batch has no place in the log because positions have no gaps")
        precondition(
            entries.count == conversations.count && entries.count == messages.count,
            "columns must be of one length because they are one table")
        self.record = record
        self.first = first
        self.entries = entries
        self.conversations = conversations
        self.messages = messages
        self.others = others
    }

    var last: Position { Position(first.rawValue + UInt64(entries.count) - 1) }
    /// What the batch costs of memory, and about what of the journal: whole pages for the record, and the columns.
    var bytes: Int { record.memoryBytes + entries.count * Self.columnBytes }
    private static let columnBytes = MemoryLayout<Entry>.stride + 2 * MemoryLayout<UInt64>.stride

    func index(of position: Position) -> Int? {
        position >= first && position <= last ? Int(position.rawValue - first.rawValue) : nil
    }

    func position(at index: Int) -> Position { Position(first.rawValue + UInt64(index)) }

    func withTrail<Result, Failure>(
        at index: Int, _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let entry = entries[index]
        return try record.withPayload { (payload) throws(Failure) in
            try body(UnsafeRawBufferPointer(rebasing: payload[entry.trailRange]))
        }
    }

    func withTrailAndBody<Result, Failure>(
        at index: Int, _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let entry = entries[index]
        return try record.withPayload { (payload) throws(Failure) in
            try body(
                UnsafeRawBufferPointer(rebasing: payload[entry.trailRange]),
                UnsafeRawBufferPointer(rebasing: payload[entry.bodyRange]))
        }
    }
}

extension Batch.Entry {
    var trailRange: Range<Int> { Int(trailOffset)..<Int(trailOffset) + Int(trailBytes) }
    var bodyRange: Range<Int> { trailRange.upperBound..<trailRange.upperBound + Int(bodyBytes) }
}

extension Batch {
    /// Reads a batch back from the journal. Survives any bytes.
    convenience init(reading record: Record, fingerprints: Fingerprints) throws(TrailFault) {
        let parsed = record.withPayload { payload in
            Result { () throws(TrailFault) in try Columns(parsing: payload, fingerprints: fingerprints) }
        }
        let columns = try parsed.get()
        self.init(
            record: record, first: columns.first, entries: columns.entries, conversations: columns.conversations,
            messages: columns.messages, others: columns.others)
    }

    private struct Columns {
        var first: Position
        var entries: [Entry] = []
        var conversations: [UInt64] = []
        var messages: [UInt64] = []
        var others: [Int] = []

        init(parsing payload: UnsafeRawBufferPointer, fingerprints: Fingerprints) throws(TrailFault) {
            guard payload.count >= Batch.headerBytes else { throw .truncated }
            guard payload[0] == Batch.version else { throw .unknownVersion(payload[0]) }
            let count = Int(UInt32(bigEndian: payload.loadUnaligned(fromByteOffset: 4, as: UInt32.self)))
            first = Position(UInt64(bigEndian: payload.loadUnaligned(fromByteOffset: 8, as: UInt64.self)))
            guard count > 0, first != .none, first.rawValue <= UInt64(Int64.max) - UInt64(count) else { throw .malformed("batch header") }
            var offset = Batch.headerBytes
            for index in 0..<count {
                try append(at: &offset, index: index, of: payload, fingerprints: fingerprints)
            }
            guard offset == payload.count else { throw .trailingBytes }
        }

        private mutating func append(
            at offset: inout Int, index: Int, of payload: UnsafeRawBufferPointer, fingerprints: Fingerprints
        ) throws(TrailFault) {
            guard payload.count - offset >= Batch.entryHeaderBytes else { throw .truncated }
            let trailBytes = UInt32(bigEndian: payload.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
            let bodyBytes = UInt32(bigEndian: payload.loadUnaligned(fromByteOffset: offset + 4, as: UInt32.self))
            offset += Batch.entryHeaderBytes
            guard payload.count - offset >= Int(trailBytes) + Int(bodyBytes) else { throw .truncated }
            let trail = UnsafeRawBufferPointer(rebasing: payload[offset..<offset + Int(trailBytes)])
            let fields = try TrailFields(parsing: trail)
            let (expected, isBeyond) = first.rawValue.addingReportingOverflow(UInt64(index))
            guard !isBeyond, fields.position.rawValue == expected else { throw .malformed("position") }
            entries.append(
                Entry(trailOffset: UInt32(offset), trailBytes: trailBytes, bodyBytes: bodyBytes, kind: fields.kind, at: fields.at))
            let keys = try IndexedNames(of: fields, in: trail, fingerprints: fingerprints)
            conversations.append(keys.conversation)
            messages.append(keys.message)
            if fields.kind != .send { others.append(index) }
            offset += Int(trailBytes) + Int(bodyBytes)
        }
    }
}

/// The fingerprints under which an event can be found; 0 for a name it has not.
struct IndexedNames {
    var conversation: UInt64 = 0
    var message: UInt64 = 0

    init(conversation: UInt64, message: UInt64) {
        self.conversation = conversation
        self.message = message
    }

    init(of fields: TrailFields, in trail: UnsafeRawBufferPointer, fingerprints: Fingerprints) throws(TrailFault) {
        if fields.kind == .send {
            self.init(of: try SendFields(of: fields, in: trail), fields, in: trail, fingerprints)
        } else {
            self.init(of: try Event(decoding: trail), fingerprints)
        }
    }

    init(of send: SendFields, _ fields: TrailFields, in trail: UnsafeRawBufferPointer, _ fingerprints: Fingerprints) {
        let tenant = fields.tenant.bytes(in: trail)
        conversation = fingerprints.of(send.conversation.bytes(in: trail), in: tenant).rawValue
        message = fingerprints.of(send.messageID.bytes(in: trail), in: tenant).rawValue
    }

    /// Of an event that is no `send`.
    init(of event: Event, _ fingerprints: Fingerprints) {
        guard let tenant = event.tenant else { return }
        if let name = event.conversation { conversation = fingerprints.of(name, in: tenant).rawValue }
        // Found by its message like a `send`, and not by a table of its own in the state: it leaves with its partition's file, so that
        // nobody need forget it, and a rebuild and the digest have it by themselves.
        if case .access(let access) = event.deed {
            if let id = access.messageID {
                message = fingerprints.ofReadings(of: id, in: tenant).rawValue
            } else if let name = access.conversation {
                message = fingerprints.ofPages(of: name, in: tenant).rawValue
            }
        }
    }
}

/// A purge's intent and its receipt, to bytes and back.
extension PurgeIntent {
    /// So many bytes its lines take at the most, the rest being shorter than a `send`.
    var linesBytesMax: Int {
        lines.reduce(0) { $0 + $1.byteCountMax }
    }

    func write(into writer: inout TrailWriter) {
        coverage.write(into: &writer)
        basis.write(into: &writer)
        writer.varint(horizonPosition.rawValue)
        writer.instant(horizonTime)
        writer.varint(rules.rawValue)
        writer.varint(held)
        writer.varint(floored)
        writer.varint(locked)
        writer.varint(UInt64(lines.count))
        for line in lines { line.write(into: &writer) }
        digest.withUnsafeBytes { writer.raw($0) }
    }

    init(decoding reader: inout TrailReader, tenant: TenantID?) throws(TrailFault) {
        self.init(
            coverage: try Coverage(decoding: &reader, tenant: tenant), basis: try PurgeBasis(decoding: &reader),
            horizonPosition: Position(try reader.varint()), horizonTime: try reader.instant(), rules: Position(try reader.varint()),
            held: try reader.count("number of held messages"), floored: try reader.count("number of floored messages"),
            locked: try reader.count("number of locked messages"), lines: try Self.lines(from: &reader),
            digest: try reader.bytes(Purge.digestByteCount))
        try reader.end()
    }

    private static func lines(from reader: inout TrailReader) throws(TrailFault) -> [PurgeLine] {
        let count = try reader.count("number of lines", atMost: UInt64(linesMax))
        var lines: [PurgeLine] = []
        for _ in 0..<count { lines.append(try PurgeLine(decoding: &reader)) }
        guard isSound(lines) else { throw .malformed("lines") }
        return lines
    }
}

extension PurgeBasis {
    fileprivate func write(into writer: inout TrailWriter) {
        switch self {
        case .expired: writer.byte(1)
        case .before(let end):
            writer.byte(2)
            writer.instant(end)
        }
    }

    fileprivate init(decoding reader: inout TrailReader) throws(TrailFault) {
        switch try reader.byte() {
        case 1: self = .expired
        case 2: self = .before(try reader.instant())
        default: throw .malformed("basis")
        }
    }
}

extension PurgeLine {
    /// What it takes of a record at the most: a name, a partition, four numbers, and the distances between its keys.
    package var byteCountMax: Int {
        let distances = zip(keys, [0] + keys.dropLast()).reduce(0) { $0 + TrailWriter.varintBytes(of: $1.0 - $1.1) }
        return 1 + tenant.utf8.count + 5 * TrailWriter.varintBytesMax + distances
    }

    fileprivate func write(into writer: inout TrailWriter) {
        writer.varint(UInt64(UInt32(bitPattern: partition)))
        writer.text(tenant.utf8)
        writer.varint(messages)
        writer.varint(conversations)
        writer.varint(bytes)
        writer.varint(UInt64(keys.count))
        var before: UInt64 = 0
        for key in keys {
            writer.varint(key - before)
            before = key
        }
    }

    fileprivate init(decoding reader: inout TrailReader) throws(TrailFault) {
        guard let partition = UInt32(exactly: try reader.varint()) else { throw .malformed("partition") }
        let tenant = try reader.name(NameOf.Tenant.self)
        let messages = try reader.count("number of messages", atMost: Self.countMax)
        let conversations = try reader.count("number of conversations", atMost: Self.countMax)
        let bytes = try reader.count("number of bytes", atMost: Self.countMax)
        self.init(
            partition: Int32(bitPattern: partition), tenant: tenant, keys: try Self.keys(from: &reader), messages: messages,
            conversations: conversations, bytes: bytes)
    }

    private static func keys(from reader: inout TrailReader) throws(TrailFault) -> [UInt64] {
        // Nothing is reserved for this number, which may be any: the record's end comes first.
        let count = try reader.varint()
        var keys: [UInt64] = []
        var rest = count
        while rest > 0 {
            let (key, isBeyond) = (keys.last ?? 0).addingReportingOverflow(try reader.varint())
            guard !isBeyond, key > keys.last ?? 0 else { throw .malformed("keys") }
            keys.append(key)
            rest -= 1
        }
        return keys
    }
}

extension Purge {
    func write(into writer: inout TrailWriter) {
        writer.varint(intent.rawValue)
        writer.byte(outcome.rawValue)
        writer.varint(messages)
        writer.varint(bytes)
        writer.varint(keys)
        digest.withUnsafeBytes { writer.raw($0) }
    }

    init(decoding reader: inout TrailReader) throws(TrailFault) {
        let intent = try reader.position("intent")
        guard let outcome = PurgeOutcome(rawValue: try reader.byte()) else { throw .malformed("outcome") }
        self.init(
            intent: intent, outcome: outcome, messages: try reader.count("number of messages"),
            bytes: try reader.count("number of bytes"), keys: try reader.count("number of keys"),
            digest: try reader.bytes(Self.digestByteCount))
        try reader.end()
    }
}

import Events
import TestSupport
import Testing

@Suite("TrailDecoding")
struct TrailDecodingTests {
    @Test("a record that ends too early is a fault, wherever it ends", arguments: GoldenRecord.all)
    func truncations(_ golden: GoldenRecord) {
        for count in 0..<golden.bytes.count {
            let cut = Array(golden.bytes.prefix(count))
            #expect(throws: TrailFault.truncated, "cut to \(count) bytes") { try Event(decoding: cut) }
        }
    }

    @Test("a byte behind the end is a fault", arguments: GoldenRecord.all)
    func trailingByte(_ golden: GoldenRecord) {
        #expect(throws: TrailFault.trailingBytes) { try Event(decoding: golden.bytes + [0]) }
    }

    @Test("a record with one byte changed is a fault, or an event that has just those bytes", arguments: GoldenRecord.all)
    func mutations(_ golden: GoldenRecord) {
        var others: [[UInt8]] = []
        for offset in golden.bytes.indices {
            var bytes = golden.bytes
            for change in UInt8(1)...255 {
                bytes[offset] = golden.bytes[offset] ^ change
                if case .otherwise = Self.decode(bytes) { others.append(bytes) }
            }
        }
        #expect(others.isEmpty)
    }

    @Test("any bytes are a fault, or an event that has just those bytes")
    func randomBytes() {
        var random = SeededRandom(for: "trail decoding of random bytes")
        var events = 0
        var others: [[UInt8]] = []
        for round in 0..<200_000 {
            let bytes = random.almostRecord(round)
            switch Self.decode(bytes) {
            case .fault: break
            case .event: events += 1
            case .otherwise: others.append(bytes)
            }
        }
        #expect(others.isEmpty)
        // Else the test would have looked at faults alone.
        #expect(events > 1_000)
    }

    @Test("no bytes at all are a fault")
    func nothing() {
        #expect(throws: TrailFault.truncated) { try Event(decoding: []) }
        #expect(throws: TrailFault.truncated) { try Event(decoding: UnsafeRawBufferPointer(start: nil, count: 0)) }
    }

    @Test("a fault says what is wrong", arguments: Malformed.all)
    func faults(_ malformed: Malformed) {
        #expect(throws: malformed.fault) { try Event(decoding: malformed.bytes) }
    }

    @Test("the fields found in place are those of the whole event", arguments: GoldenRecord.all)
    func fields(_ golden: GoldenRecord) throws {
        try golden.bytes.withUnsafeBytes { record in
            let fields = try TrailFields(parsing: record)
            let event = golden.event
            #expect(fields.kind == event.kind)
            #expect(fields.position == event.position)
            #expect(fields.at == event.at)
            #expect(fields.imported == event.imported)
            #expect(fields.principal == event.principal)
            #expect(Array(fields.tenant.bytes(in: record)) == event.tenant?.utf8 ?? [])
        }
    }

    @Test("a send's fields found in place are those of the whole event", arguments: GoldenRecord.sends)
    func sendFields(_ golden: GoldenRecord) throws {
        guard case .send(let send) = golden.event.deed else { preconditionFailure("because these are sends") }
        try golden.bytes.withUnsafeBytes { record in
            let fields = try SendFields(of: TrailFields(parsing: record), in: record)
            #expect(Array(fields.conversation.bytes(in: record)) == send.conversation.utf8)
            #expect(Array(fields.sender.bytes(in: record)) == send.sender.utf8)
            #expect(Array(fields.messageID.bytes(in: record)) == send.messageID.utf8)
            #expect(fields.bodyBytes == send.bodyBytes)
            #expect(Array(fields.commitment.bytes(in: record)) == send.commitment.bytes)
        }
    }

    /// What bytes are. One event has one spelling: else two equal events could have different hashes.
    private enum Decoded {
        case fault
        case event
        /// An event that is encoded to other bytes: a mistake of the decoder.
        case otherwise
    }

    private static func decode(_ bytes: [UInt8]) -> Decoded {
        do { return try Event(decoding: bytes).encoded() == bytes ? .event : .otherwise } catch { return .fault }
    }
}

extension SeededRandom {
    /// In turn: noise, noise behind a sound beginning, and a sound record with a few bytes changed, added or taken out.
    fileprivate mutating func almostRecord(_ round: Int) -> [UInt8] {
        switch round % 3 {
        case 0: return bytes(.random(in: 0...200, using: &self))
        case 1:
            let start: [UInt8] = [1, .random(in: 1...9, using: &self), .random(in: 0...15, using: &self), .random(in: 0...1, using: &self)]
            let noise = bytes(.random(in: 0...60, using: &self)).map { $0 & (chance(of: 1, in: 2) ? 0x03 : 0xFF) }
            return start + [0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 1, 0x61] + noise
        default:
            var record = GoldenRecord.all[Int.random(in: 0..<GoldenRecord.all.count, using: &self)].bytes
            for _ in 0..<Int.random(in: 1...3, using: &self) { spoil(&record) }
            return record
        }
    }

    private mutating func spoil(_ record: inout [UInt8]) {
        let offset = Int.random(in: 0..<record.count, using: &self)
        switch Int.random(in: 0..<4, using: &self) {
        case 0: record.insert(UInt8(truncatingIfNeeded: next()), at: offset)
        case 1 where record.count > 1: record.remove(at: offset)
        case 2: record[offset] = UInt8.random(in: 0x61...0x7A, using: &self)
        default: record[offset] = UInt8(truncatingIfNeeded: next())
        }
    }
}

import Events
import Testing

/// Bytes that are almost a record, and what is wrong with them.
struct Malformed: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let bytes: [UInt8]
    let fault: TrailFault

    init(_ name: String, _ fault: TrailFault, _ bytes: [UInt8]) {
        testDescription = name
        self.bytes = bytes
        self.fault = fault
    }

    static let all = headers + sends + localDeletes + retentionChanges + holds + purges + receipts + removals + accesses

    private static let headers = [
        Malformed("a version of later", .unknownVersion(2), [2] + start(1).dropFirst()),
        Malformed("no version", .unknownVersion(0), [0] + start(1).dropFirst()),
        Malformed("a kind of later", .unknownKind(12), start(12)),
        Malformed("kind 0", .unknownKind(0), start(0)),
        Malformed("a flag of later", .malformed("flags"), start(1, flags: 16)),
        Malformed("a floor in a send", .malformed("flags"), start(1, flags: 4)),
        Malformed("a lock in a hold", .malformed("flags"), start(5, flags: 8)),
        Malformed("a flag of later in a retention change", .malformed("flags"), start(3, flags: 16)),
        Malformed("a client's time in a retention change", .malformed("flags"), start(3, flags: 2)),
        Malformed("a client's time in a local delete", .malformed("flags"), start(2, flags: 2)),
        Malformed("a principal of later", .malformed("principal"), start(1, principal: 2)),
        Malformed("a uid of 33 bits", .malformed("principal"), start(1, principal: 1) + [0x80, 0x80, 0x80, 0x80, 0x10] + acme),
        Malformed("a uid in more bytes than it needs", .malformed("number"), start(1, principal: 1) + [0x81, 0x00] + acme),
        Malformed("position 0", .malformed("position"), start(1, position: 0) + acme),
        Malformed("a time before 1970", .malformed("time"), start(1, at: [0xFF, 0, 0, 0, 0, 0, 0, 0])),
        Malformed("a time in the year 10000", .malformed("time"), start(1, at: [0, 0, 0xE6, 0x77, 0xD2, 0x1F, 0xDC, 0])),
        Malformed("a send without a tenant", .malformed("empty name"), start(1) + [0]),
        Malformed("a local delete without a tenant", .malformed("empty name"), start(2) + [0]),
        Malformed("a reading without a tenant", .malformed("empty name"), start(11) + [0]),
    ]

    private static let sends = [
        Malformed("a conversation without a name", .malformed("empty name"), start(1) + acme + [0]),
        Malformed("a control character in a tenant", .malformed("name"), start(1) + [1, 0x0A] + a + a + a + [0, 0] + zeros),
        Malformed("a control character in a sender", .malformed("name"), start(1) + acme + a + [1, 0x7F] + a + [0, 0] + zeros),
        Malformed("a message id that is not UTF-8", .malformed("name"), start(1) + acme + a + a + [1, 0xC3] + [0, 0] + zeros),
        Malformed(
            "a name of 129 bytes", .malformed("name"),
            start(1) + acme + [129] + Array(repeating: 0x61, count: 129) + a + a + [0, 0] + zeros),
        Malformed("a content type without a slash", .malformed("content type"), start(1) + acme + a + a + a + a + [0] + zeros),
        Malformed(
            "plain text spelled out", .malformed("content type"),
            start(1) + acme + a + a + a + [25] + Array("text/plain; charset=utf-8".utf8) + [0] + zeros),
        Malformed(
            "a body length of 33 bits", .malformed("body length"),
            start(1) + acme + a + a + a + [0] + [0x80, 0x80, 0x80, 0x80, 0x10] + zeros),
    ]

    private static let localDeletes = [
        Malformed("an extent of later", .malformed("extent"), start(2) + acme + a + a + [3]),
        Malformed("no messages", .malformed("number of messages"), start(2) + acme + a + a + [1, 0]),
        Malformed("513 messages", .malformed("number of messages"), start(2) + acme + a + a + [1, 0x81, 0x04]),
        Malformed(
            "a number of messages of 64 bits", .malformed("number of messages"),
            start(2) + acme + a + a + [1] + Array(repeating: 0xFF, count: 9) + [1]),
        Malformed(
            "a position of 65 bits", .malformed("number"), start(2) + acme + a + a + [2] + Array(repeating: 0xFF, count: 9) + [2]),
        Malformed(
            "a position of eleven bytes", .malformed("number"),
            start(2) + acme + a + a + [2] + Array(repeating: 0x80, count: 10) + [1]),
    ]

    private static let retentionChanges = [
        Malformed("a scope of later", .malformed("scope"), start(3) + acme + [3]),
        Malformed("the system with a tenant", .malformed("scope"), start(3) + acme + [0]),
        Malformed("a tenant's scope without one", .malformed("scope"), start(3) + [0, 1]),
        Malformed("a conversation's scope without a tenant", .malformed("scope"), start(3) + [0, 2] + a),
        Malformed("a rule of later", .malformed("rule"), start(3) + [0, 0, 6]),
        Malformed("0 days", .malformed("period"), start(3) + [0, 0, 2, 0]),
        Malformed("a day more than a thousand years", .malformed("period"), start(3) + [0, 0, 2, 0xC3, 0xA5, 0x16]),
        Malformed("1,001 years", .malformed("period"), start(3) + [0, 0, 5, 0xE9, 0x07]),
        Malformed("a reason of 1,025 bytes", .malformed("reason"), start(3) + [0, 0, 1] + [0, 0, 0, 0, 0, 0, 0, 1] + [0x81, 0x08]),
        Malformed("a reason that is not UTF-8", .malformed("reason"), start(3) + [0, 0, 1] + [0, 0, 0, 0, 0, 0, 0, 1] + [1, 0xFF]),
        Malformed(
            "a reason of 2^64 - 1 bytes", .malformed("reason"),
            start(3) + [0, 0, 1] + [0, 0, 0, 0, 0, 0, 0, 1] + Array(repeating: 0xFF, count: 9) + [1]),
    ]
}

extension Malformed {
    static let acme: [UInt8] = [4, 0x61, 0x63, 0x6D, 0x65]
    static let a: [UInt8] = [1, 0x61]
    static let zeros = [UInt8](repeating: 0, count: Commitment.byteCount)

    /// A record up to its tenant; by the system, unless a principal's tag is given.
    static func start(
        _ kind: UInt8, flags: UInt8 = 0, principal: UInt8 = 0, position: UInt8 = 1, at: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 1]
    ) -> [UInt8] {
        [1, kind, flags, principal, 0, 0, 0, 0, 0, 0, 0, position] + at
    }
}

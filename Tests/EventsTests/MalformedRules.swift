import Events

extension Malformed {
    static let holds = [
        Malformed("a cancel of no change", .malformed("change"), start(4) + acme + [1, 0]),
        Malformed("a cancel of a scope of later", .malformed("scope"), start(4) + acme + [3]),
        Malformed("a cancel's reason of 1,025 bytes", .malformed("reason"), start(4) + acme + [1, 1, 0x81, 0x08]),
        Malformed("a hold without a name", .malformed("empty name"), start(5) + acme + [0]),
        Malformed("a coverage of later", .malformed("coverage"), start(5) + acme + a + [16]),
        Malformed("a conversation without a tenant", .malformed("coverage"), start(5) + [0] + a + [1] + a),
        Malformed("a sender without a tenant", .malformed("coverage"), start(6) + [0] + a + [2] + a),
        Malformed("a coverage from before 1970", .malformed("time"), start(5) + acme + a + [4, 0xFF, 0, 0, 0, 0, 0, 0, 0]),
        Malformed("a hold for nothing", .malformed("matter"), start(5) + acme + a + [0, 0]),
        Malformed("a matter of 257 bytes", .malformed("matter"), start(5) + acme + a + [0, 0x81, 0x02]),
        Malformed("a matter that is not UTF-8", .malformed("matter"), start(5) + acme + a + [0, 1, 0xFF, 0]),
        Malformed("a hold's reason of 1,025 bytes", .malformed("reason"), start(5) + acme + a + [0, 1, 0x6D, 0x81, 0x08]),
        Malformed("a release's reason of 1,025 bytes", .malformed("reason"), start(6) + acme + a + [0, 0x81, 0x08]),
        Malformed("a tenant of a clock", .malformed("tenant"), start(9) + acme + one),
        Malformed("a clock in the year 10000", .malformed("time"), start(9) + [0, 0, 0, 0xE6, 0x77, 0xD2, 0x1F, 0xDC, 0]),
        Malformed("a clock's reason of 1,025 bytes", .malformed("reason"), start(9) + [0] + one + [0x81, 0x08]),
    ]

    static let purges = [
        Malformed("a basis of later", .malformed("basis"), start(7) + acme + [0, 3]),
        Malformed("basis 0", .malformed("basis"), start(7) + acme + [0, 0]),
        Malformed("2^63 held", .malformed("number of held messages"), start(7) + plan + twoTo63),
        Malformed("2^63 floored", .malformed("number of floored messages"), start(7) + plan + [0] + twoTo63),
        Malformed("2^63 locked", .malformed("number of locked messages"), start(7) + plan + [0, 0] + twoTo63),
        Malformed("no lines", .malformed("lines"), start(7) + plan + [0, 0, 0] + [0] + zeros),
        Malformed("8,193 lines", .malformed("number of lines"), start(7) + plan + [0, 0, 0] + [0x81, 0x40]),
        Malformed("a line twice", .malformed("lines"), start(7) + plan + [0, 0, 0, 2] + line(5) + line(5) + zeros),
        Malformed("partitions that descend", .malformed("lines"), start(7) + plan + [0, 0, 0, 2] + line(5) + line(4) + zeros),
        Malformed("tenants that descend", .malformed("lines"), start(7) + plan + [0, 0, 0, 2] + line(5, b) + line(5, a) + zeros),
        Malformed(
            "a negative partition behind a positive one", .malformed("lines"),
            start(7) + plan + [0, 0, 0, 2] + line(5) + [0xFF, 0xFF, 0xFF, 0xFF, 0x0F] + a + [0, 0, 0, 0] + zeros),
        Malformed(
            "a partition of 33 bits", .malformed("partition"), start(7) + plan + [0, 0, 0, 1] + [0x80, 0x80, 0x80, 0x80, 0x10]),
        Malformed("a line without a tenant", .malformed("empty name"), start(7) + plan + [0, 0, 0, 1] + [5, 0]),
        Malformed("2^48 + 1 messages", .malformed("number of messages"), start(7) + plan + [0, 0, 0, 1, 5] + a + tooMany),
        Malformed("2^48 + 1 conversations", .malformed("number of conversations"), start(7) + plan + [0, 0, 0, 1, 5] + a + [0] + tooMany),
        Malformed("2^48 + 1 bytes", .malformed("number of bytes"), start(7) + plan + [0, 0, 0, 1, 5] + a + [0, 0] + tooMany),
        Malformed("key 0", .malformed("keys"), start(7) + plan + [0, 0, 0, 1, 5] + a + [0, 0, 0, 1, 0]),
        Malformed("a key twice", .malformed("keys"), start(7) + plan + [0, 0, 0, 1, 5] + a + [0, 0, 0, 2, 7, 0]),
        Malformed(
            "a key of 65 bits", .malformed("keys"),
            start(7) + plan + [0, 0, 0, 1, 5] + a + [0, 0, 0, 2, 1] + Array(repeating: 0xFF, count: 9) + [1]),
        Malformed(
            "2^64 - 1 keys of which there is one", .truncated,
            start(7) + plan + [0, 0, 0, 1, 5] + a + [0, 0, 0] + Array(repeating: 0xFF, count: 9) + [1, 1]),
    ]

    static let receipts = [
        Malformed("a receipt of no intent", .malformed("intent"), start(8) + acme + [0, 1, 0, 0, 0] + zeros),
        Malformed("an outcome of later", .malformed("outcome"), start(8) + acme + [5, 3, 0, 0, 0] + zeros),
        Malformed("outcome 0", .malformed("outcome"), start(8) + acme + [5, 0, 0, 0, 0] + zeros),
        Malformed("2^63 destroyed messages", .malformed("number of messages"), start(8) + acme + [5, 1] + twoTo63),
        Malformed("2^63 destroyed bytes", .malformed("number of bytes"), start(8) + acme + [5, 1, 0] + twoTo63),
        Malformed("2^63 destroyed keys", .malformed("number of keys"), start(8) + acme + [5, 1, 0, 0] + twoTo63),
    ]

    static let removals = [
        Malformed("a tenant of a removal", .malformed("tenant"), start(10) + acme + [5]),
        Malformed("a removed partition of 33 bits", .malformed("partition"), start(10) + [0] + [0x80, 0x80, 0x80, 0x80, 0x10]),
        Malformed("a trail that is kept by inheritance", .malformed("period"), start(10) + [0, 5, 0]),
        Malformed("a removal from no event on", .malformed("first position"), start(10) + [0, 5, 1, 0]),
        Malformed("a removal that ends before it begins", .malformed("counts"), start(10) + [0, 5, 1, 9, 8, 1, 1]),
        Malformed("more removed messages than events", .malformed("counts"), start(10) + [0, 5, 1, 1, 9, 1, 2]),
        Malformed("2^63 removed events", .malformed("number of events"), start(10) + [0, 5, 1, 1, 9] + twoTo63),
        Malformed("a removal without a digest", .truncated, start(10) + [0, 5, 1, 1, 9, 1, 1]),
    ]

    static let accesses = [
        Malformed("a question of later", .malformed("question"), start(11) + acme + [4]),
        Malformed("question 0", .malformed("question"), start(11) + acme + [0]),
        Malformed("a part of later", .malformed("parts"), start(11) + acme + [1, 8]),
        Malformed("a reading of a conversation without a name", .malformed("empty name"), start(11) + acme + [1, 1, 0]),
        Malformed("a reading of a message without an id", .malformed("empty name"), start(11) + acme + [1, 2, 0]),
        Malformed("a reading from no position on", .malformed("first position"), start(11) + acme + [1, 4, 0, 1]),
        Malformed("a reading up to no position", .malformed("last position"), start(11) + acme + [1, 4, 1, 0]),
        Malformed("a reading that ends before it begins", .malformed("range"), start(11) + acme + [1, 4, 9, 8, 0, 1, 0x61]),
        Malformed("2^63 bodies", .malformed("number of bodies"), start(11) + acme + [1, 0] + twoTo63),
        Malformed("a reading without a reason", .malformed("reason"), start(11) + acme + [1, 0, 0, 0]),
        Malformed("a reading's reason of 1,025 bytes", .malformed("reason"), start(11) + acme + [1, 0, 0, 0x81, 0x08]),
        Malformed("a reading that goes on", .trailingBytes, start(11) + acme + [1, 0, 0, 1, 0x61, 0]),
        Malformed("a floor in a reading", .malformed("flags"), start(11, flags: 4)),
    ]

    private static let b: [UInt8] = [1, 0x62]
    private static let one: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 1]
    private static let twoTo63 = [UInt8](repeating: 0x80, count: 9) + [1]
    private static let tooMany: [UInt8] = [0x81, 0x80, 0x80, 0x80, 0x80, 0x80, 0x40]

    /// An intent from its tenant to before the number of held messages.
    private static let plan: [UInt8] = acme + [0, 1, 9] + one + [8]

    /// A line of nothing.
    private static func line(_ partition: UInt8, _ tenant: [UInt8] = a) -> [UInt8] { [partition] + tenant + [0, 0, 0, 0] }
}

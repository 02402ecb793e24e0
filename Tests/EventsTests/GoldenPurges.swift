import Events

extension GoldenRecord {
    static let purges = [expired, before, destroyed, withdrawn]

    private static let expired = GoldenRecord(
        "what is expired of everything shall go, by nobody's order",
        event(
            by: .system, tenant: nil,
            .purgeIntent(
                PurgeIntent(
                    coverage: .everything, basis: .expired, horizonPosition: Position(12), horizonTime: GoldenTime.november,
                    rules: Position(9), held: 0, floored: 1, locked: 128,
                    lines: [
                        PurgeLine(partition: -1, tenant: "z", keys: [1, 128, .max], messages: 300, conversations: 2, bytes: 1 << 48),
                        PurgeLine(partition: 17_532, tenant: "acme", keys: [7], messages: 1, conversations: 1, bytes: 0),
                        PurgeLine(partition: 17_532, tenant: "公司", keys: [], messages: 0, conversations: 0, bytes: 0),
                    ],
                    digest: Commitment.counting.bytes))),
        """
        01 07 00 00          | version, kind: purge-intent, flags: none, principal: the system
        000000000000000d     | position
        000001a20724218b     | at
        00                   | tenant: none
        00                   | coverage: everything
        01                   | basis: expired
        0c                   | horizon's position
        000001a20724218b     | horizon's time
        09                   | last rule
        00 01 8001           | held 0, floored 1, locked 128
        03                   | lines
        ffffffff0f           | partition -1
        01 7a                | tenant "z"
        ac02 02              | 300 messages, 2 conversations
        80808080808040       | 2^48 bytes
        03                   | keys
        01 7f                | 1, 128
        fffeffffffffffffff01 | 2^64 - 1
        fc8801               | partition 17532
        04 61636d65          | tenant "acme"
        01 01 00             | 1 message, 1 conversation, no bytes
        01 07                | keys: 7
        fc8801               | partition 17532
        06 e585ace58fb8      | tenant "公司"
        00 00 00             | no messages, no conversations, no bytes
        00                   | no keys
        000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f | digest
        """)

    private static let before = GoldenRecord(
        "all of a conversation from before a moment shall go",
        event(
            tenant: "acme",
            .purgeIntent(
                PurgeIntent(
                    coverage: Coverage(tenant: "acme", conversation: "general", until: GoldenTime.november),
                    basis: .before(GoldenTime.february), horizonPosition: Position(300), horizonTime: GoldenTime.november, rules: .none,
                    held: 5, floored: 0, locked: 0,
                    lines: [PurgeLine(partition: 5, tenant: "acme", keys: [300], messages: 2, conversations: 1, bytes: 128)],
                    digest: Commitment.counting.bytes))),
        """
        01 07 00 01          | version, kind: purge-intent, flags: none, principal: a user
        000000000000000d     | position
        000001a20724218b     | at
        00                   | uid 0
        04 61636d65          | tenant "acme"
        09                   | coverage: conversation, until
        07 67656e6572616c    | conversation "general"
        000001a20724218b     | until
        02                   | basis: before
        0000016159d6d465     | before
        ac02                 | horizon's position: 300
        000001a20724218b     | horizon's time
        00                   | last rule: none
        05 00 00             | held 5, floored 0, locked 0
        01                   | lines
        05                   | partition 5
        04 61636d65          | tenant "acme"
        02 01 8001           | 2 messages, 1 conversation, 128 bytes
        01 ac02              | keys: 300
        000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f | digest
        """)

    private static let destroyed = GoldenRecord(
        "a receipt",
        event(
            tenant: "acme",
            .purge(
                Purge(
                    intent: Position(12), outcome: .destroyed, messages: 300, bytes: UInt64(Int64.max), keys: 3,
                    digest: Commitment.counting.bytes))),
        """
        01 08 00 01          | version, kind: purge, flags: none, principal: a user
        000000000000000d     | position
        000001a20724218b     | at
        00                   | uid 0
        04 61636d65          | tenant "acme"
        0c                   | intent
        01                   | outcome: destroyed
        ac02                 | 300 messages
        ffffffffffffffff7f   | 2^63 - 1 bytes
        03                   | keys
        000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f | digest
        """)

    private static let withdrawn = GoldenRecord(
        "the receipt of a purge that did not take place",
        event(
            by: .system, tenant: nil,
            .purge(Purge(intent: .first, outcome: .withdrawn, messages: 0, bytes: 0, keys: 0, digest: Commitment.counting.bytes))),
        """
        01 08 00 00          | version, kind: purge, flags: none, principal: the system
        000000000000000d     | position
        000001a20724218b     | at
        00                   | tenant: none
        01                   | intent
        02                   | outcome: withdrawn
        00 00 00             | nothing
        000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f | digest
        """)
}

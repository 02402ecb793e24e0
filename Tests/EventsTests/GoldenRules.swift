import Events

extension GoldenRecord {
    static let locksAndFloors = [lockedPolicy, lockedFloor, importedFloor]
    static let retentionCancels = [cancelOfSystem, cancelOfTenant, cancelOfConversation]
    static let clockConfirms = [clock]
    static let removals = [removal]

    private static let lockedPolicy = GoldenRecord(
        "a conversation's policy of 5 years, locked",
        event(
            tenant: "acme",
            .retentionChange(
                RetentionChange(
                    scope: .conversation("acme", "general"), rule: .keep(.years(5)), isLocked: true, effectiveAt: GoldenTime.november,
                    reason: ""))),
        """
        01 03 08 01          | version, kind: retention-change, flags: locked, principal: a user
        000000000000000d     | position
        000001a20724218b     | at
        00                   | uid 0
        04 61636d65          | tenant "acme"
        02 07 67656e6572616c | scope: conversation "general"
        05 05                | rule: 5 years
        000001a20724218b     | effective at
        00                   | no reason
        """)

    private static let lockedFloor = GoldenRecord(
        "a tenant's floor of 6 months, locked",
        event(
            tenant: "acme",
            .retentionChange(
                RetentionChange(
                    scope: .tenant("acme"), target: .floor, rule: .keep(.months(6)), isLocked: true, effectiveAt: GoldenTime.november,
                    reason: "law"))),
        """
        01 03 0c 01          | version, kind: retention-change, flags: floor, locked, principal: a user
        000000000000000d     | position
        000001a20724218b     | at
        00                   | uid 0
        04 61636d65          | tenant "acme"
        01                   | scope: the tenant
        04 06                | rule: 6 months
        000001a20724218b     | effective at
        03 6c6177            | reason "law"
        """)

    private static let importedFloor = GoldenRecord(
        "the system has no floor any more, imported",
        event(
            at: GoldenTime.newYear, imported: GoldenTime.november, tenant: nil,
            .retentionChange(
                RetentionChange(scope: .system, target: .floor, rule: .inherit, effectiveAt: GoldenTime.newYear, reason: ""))),
        """
        01 03 05 01          | version, kind: retention-change, flags: imported, floor, principal: a user
        000000000000000d     | position
        000001434b198400     | at
        000001a20724218b     | server's time
        00                   | uid 0
        00                   | tenant: none
        00                   | scope: the system
        00                   | rule: inherit
        000001434b198400     | effective at
        00                   | no reason
        """)

    private static let cancelOfSystem = GoldenRecord(
        "a change of the system is taken back",
        event(tenant: nil, .retentionCancel(RetentionCancel(scope: .system, change: Position(12), reason: "审计要求"))),
        """
        01 04 00 01          | version, kind: retention-cancel, flags: none, principal: a user
        000000000000000d     | position
        000001a20724218b     | at
        00                   | uid 0
        00                   | tenant: none
        00                   | scope: the system
        0c                   | the change's position
        0c e5aea1e8aea1e8a681e6b182 | reason "审计要求"
        """)

    private static let cancelOfTenant = GoldenRecord(
        "a change of a tenant is taken back, for a reason of 128 bytes",
        event(
            tenant: "acme",
            .retentionCancel(
                RetentionCancel(scope: .tenant("acme"), change: Position(300), reason: String(repeating: "x", count: 128)))),
        """
        01 04 00 01          | version, kind: retention-cancel, flags: none, principal: a user
        000000000000000d     | position
        000001a20724218b     | at
        00                   | uid 0
        04 61636d65          | tenant "acme"
        01                   | scope: the tenant
        ac02                 | the change's position: 300
        8001                 | bytes of the reason: 128

        """ + String(repeating: "78", count: 128) + " | reason \"xxx…\"")

    private static let cancelOfConversation = GoldenRecord(
        "a change of a conversation is taken back",
        event(
            tenant: "acme", .retentionCancel(RetentionCancel(scope: .conversation("acme", "general"), change: .first, reason: ""))),
        """
        01 04 00 01          | version, kind: retention-cancel, flags: none, principal: a user
        000000000000000d     | position
        000001a20724218b     | at
        00                   | uid 0
        04 61636d65          | tenant "acme"
        02 07 67656e6572616c | scope: conversation "general"
        01                   | the change's position
        00                   | no reason
        """)

    private static let clock = GoldenRecord(
        "the clock is right",
        event(tenant: nil, .clockConfirm(ClockConfirm(wall: GoldenTime.sender, reason: "battery"))),
        """
        01 09 00 01          | version, kind: clock-confirm, flags: none, principal: a user
        000000000000000d     | position
        000001a20724218b     | at
        00                   | uid 0
        00                   | tenant: none
        000001a2072420ac     | wall clock
        07 62617474657279    | reason "battery"
        """)

    private static let removal = GoldenRecord(
        "a partition's trail has reached its end",
        event(
            by: .system, tenant: nil,
            .partitionRemove(
                PartitionRemove(
                    partition: 17_532, period: .days(184), first: Position(1), last: Position(300), events: 128, messages: 127,
                    digest: Commitment.counting.bytes))),
        """
        01 0a 00 00          | version, kind: partition-remove, flags: none, principal: the system
        000000000000000d     | position
        000001a20724218b     | at
        00                   | tenant: none
        fc8801               | partition 17532
        02 b801              | kept for 184 days
        01 ac02              | first and last position
        8001 7f              | 128 events, 127 messages
        000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f | digest
        """)

    static func event(
        at: Instant = GoldenTime.november, imported: Instant? = nil, by principal: Principal = .user(0), tenant: TenantID?,
        _ deed: Event.Deed
    ) -> Event {
        Event(position: Position(13), at: at, imported: imported, principal: principal, tenant: tenant, deed: deed)
    }
}

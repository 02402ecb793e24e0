import Events

extension GoldenRecord {
    static let retentionChanges = [days, weeks, months, years, forever, inherited] + locksAndFloors

    private static let days = GoldenRecord(
        "180 days for the system",
        change(.system, .keep(.days(180)), at: GoldenTime.november, because: "审计要求"),
        """
        01                   | version
        03                   | kind: retention-change
        00                   | flags: none
        01                   | principal: a user
        000000000000000c     | position
        000001a20724218b     | at
        00                   | uid 0
        00                   | tenant: none
        00                   | scope: the system
        02                   | rule: days
        b401                 | 180
        000001a20724218b     | effective at
        0c                   | bytes of the reason
        e5aea1e8aea1e8a681e6b182 | reason "审计要求"
        """)

    private static let weeks = GoldenRecord(
        "26 weeks for a conversation",
        change(.conversation("acme", "general"), .keep(.weeks(26)), at: GoldenTime.november, because: "lawyers ask"),
        """
        01                   | version
        03                   | kind: retention-change
        00                   | flags: none
        01                   | principal: a user
        000000000000000c     | position
        000001a20724218b     | at
        00                   | uid 0
        04 61636d65          | tenant "acme"
        02                   | scope: a conversation
        07 67656e6572616c    | conversation "general"
        03                   | rule: weeks
        1a                   | 26
        000001a20724218b     | effective at
        0b                   | bytes of the reason
        6c6177796572732061736b | reason "lawyers ask"
        """)

    private static let months = GoldenRecord(
        "12,000 months for a tenant",
        change(.tenant("公司"), .keep(.months(12_000)), at: GoldenTime.november, because: ""),
        """
        01                   | version
        03                   | kind: retention-change
        00                   | flags: none
        01                   | principal: a user
        000000000000000c     | position
        000001a20724218b     | at
        00                   | uid 0
        06 e585ace58fb8      | tenant "公司"
        01                   | scope: a tenant
        04                   | rule: months
        e05d                 | 12000
        000001a20724218b     | effective at
        00                   | bytes of the reason: none was given
        """)
}

extension GoldenRecord {
    private static let years = GoldenRecord(
        "5 years for a tenant, for a reason of 128 bytes",
        change(.tenant("acme"), .keep(.years(5)), at: GoldenTime.november, because: String(repeating: "x", count: 128)),
        """
        01                   | version
        03                   | kind: retention-change
        00                   | flags: none
        01                   | principal: a user
        000000000000000c     | position
        000001a20724218b     | at
        00                   | uid 0
        04 61636d65          | tenant "acme"
        01                   | scope: a tenant
        05                   | rule: years
        05                   | 5
        000001a20724218b     | effective at
        8001                 | bytes of the reason: 128

        """ + String(repeating: "78", count: 128) + " | reason \"xxx…\"")

    private static let forever = GoldenRecord(
        "forever for a tenant, imported",
        change(.tenant("acme"), .keep(.forever), at: GoldenTime.newYear, imported: GoldenTime.november, because: "as of 2014"),
        """
        01                   | version
        03                   | kind: retention-change
        01                   | flags: imported
        01                   | principal: a user
        000000000000000c     | position
        000001434b198400     | at
        000001a20724218b     | server's time
        00                   | uid 0
        04 61636d65          | tenant "acme"
        01                   | scope: a tenant
        01                   | rule: forever
        000001434b198400     | effective at
        0a                   | bytes of the reason
        6173206f662032303134 | reason "as of 2014"
        """)

    private static let inherited = GoldenRecord(
        "a conversation inherits again",
        change(.conversation("acme", "general"), .inherit, at: GoldenTime.november, because: ""),
        """
        01                   | version
        03                   | kind: retention-change
        00                   | flags: none
        01                   | principal: a user
        000000000000000c     | position
        000001a20724218b     | at
        00                   | uid 0
        04 61636d65          | tenant "acme"
        02                   | scope: a conversation
        07 67656e6572616c    | conversation "general"
        00                   | rule: inherit
        000001a20724218b     | effective at
        00                   | bytes of the reason: none was given
        """)

    private static func change(
        _ scope: Scope, _ rule: RetentionChange.Rule, at: Instant, imported: Instant? = nil, because reason: String
    ) -> Event {
        Event(
            position: Position(12), at: at, imported: imported, principal: .user(0), tenant: scope.tenant,
            deed: .retentionChange(RetentionChange(scope: scope, rule: rule, effectiveAt: at, reason: reason)))
    }
}

import Events

extension GoldenRecord {
    static let holds = [narrow, wide, sinceFebruary, longMatter, releaseOfNarrow, releaseOfTenant]

    private static let narrow = GoldenRecord(
        "a hold on what a sender wrote in a conversation, of some time",
        event(
            tenant: "acme",
            .holdPlace(
                HoldPlace(
                    id: "h-1",
                    coverage: Coverage(
                        tenant: "acme", conversation: "general", sender: "alice", from: GoldenTime.february, until: GoldenTime.november),
                    matter: "AZ 1/18", reason: "审计要求"))),
        """
        01 05 00 01          | version, kind: hold-place, flags: none, principal: a user
        000000000000000d     | position
        000001a20724218b     | at
        00                   | uid 0
        04 61636d65          | tenant "acme"
        03 682d31            | hold "h-1"
        0f                   | coverage: conversation, sender, from, until
        07 67656e6572616c    | conversation "general"
        05 616c696365        | sender "alice"
        0000016159d6d465     | from
        000001a20724218b     | until
        07 415a20312f3138    | matter "AZ 1/18"
        0c e5aea1e8aea1e8a681e6b182 | reason "审计要求"
        """)

    private static let wide = GoldenRecord(
        "a hold on everything",
        event(
            by: .system, tenant: nil, .holdPlace(HoldPlace(id: "停", coverage: .everything, matter: "m", reason: ""))),
        """
        01 05 00 00          | version, kind: hold-place, flags: none, principal: the system
        000000000000000d     | position
        000001a20724218b     | at
        00                   | tenant: none
        03 e5819c            | hold "停"
        00                   | coverage: everything
        01 6d                | matter "m"
        00                   | no reason
        """)

    private static let sinceFebruary = GoldenRecord(
        "a hold on everything since a moment",
        event(
            tenant: nil,
            .holdPlace(HoldPlace(id: "h", coverage: Coverage(from: GoldenTime.february), matter: "m", reason: "r"))),
        """
        01 05 00 01          | version, kind: hold-place, flags: none, principal: a user
        000000000000000d     | position
        000001a20724218b     | at
        00                   | uid 0
        00                   | tenant: none
        01 68                | hold "h"
        04                   | coverage: from
        0000016159d6d465     | from
        01 6d                | matter "m"
        01 72                | reason "r"
        """)

    private static let longMatter = GoldenRecord(
        "a hold on a sender, for a matter of 256 bytes",
        event(
            tenant: "acme",
            .holdPlace(
                HoldPlace(
                    id: "h", coverage: Coverage(tenant: "acme", sender: "alice"), matter: String(repeating: "x", count: 256), reason: ""))),
        """
        01 05 00 01          | version, kind: hold-place, flags: none, principal: a user
        000000000000000d     | position
        000001a20724218b     | at
        00                   | uid 0
        04 61636d65          | tenant "acme"
        01 68                | hold "h"
        02                   | coverage: sender
        05 616c696365        | sender "alice"
        8002                 | bytes of the matter: 256

        """ + String(repeating: "78", count: 256) + "00 | matter \"xxx…\", no reason")

    private static let releaseOfNarrow = GoldenRecord(
        "a hold on a conversation is lifted",
        event(
            tenant: "acme",
            .holdRelease(HoldRelease(id: "h-1", coverage: Coverage(tenant: "acme", conversation: "general"), reason: "settled"))),
        """
        01 06 00 01          | version, kind: hold-release, flags: none, principal: a user
        000000000000000d     | position
        000001a20724218b     | at
        00                   | uid 0
        04 61636d65          | tenant "acme"
        03 682d31            | hold "h-1"
        01                   | coverage: conversation
        07 67656e6572616c    | conversation "general"
        07 736574746c6564    | reason "settled"
        """)

    private static let releaseOfTenant = GoldenRecord(
        "a hold on a tenant until a moment is lifted",
        event(
            tenant: "acme",
            .holdRelease(HoldRelease(id: "h", coverage: Coverage(tenant: "acme", until: GoldenTime.november), reason: ""))),
        """
        01 06 00 01          | version, kind: hold-release, flags: none, principal: a user
        000000000000000d     | position
        000001a20724218b     | at
        00                   | uid 0
        04 61636d65          | tenant "acme"
        01 68                | hold "h"
        08                   | coverage: until
        000001a20724218b     | until
        00                   | no reason
        """)
}

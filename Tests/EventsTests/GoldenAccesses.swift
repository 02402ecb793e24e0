import Events

extension GoldenRecord {
    static let accesses = [ofMessage, ofDestroyed, ofNothing, ofMoment]

    private static let ofMessage = GoldenRecord(
        "an auditor reads a message",
        event(
            tenant: "acme",
            .access(
                Access(
                    .messageHistory, conversation: "general", messageID: "m-1", range: Position(300)...Position(300), bodies: 1,
                    reason: "case 7"))),
        """
        01 0b 00 01          | version, kind: access, flags: none, principal: a user
        000000000000000d     | position
        000001a20724218b     | at
        00                   | uid 0
        04 61636d65          | tenant "acme"
        01                   | question: message-history
        07                   | parts: conversation, message id, range
        07 67656e6572616c    | conversation "general"
        03 6d2d31            | message id "m-1"
        ac02 ac02            | first and last position: 300
        01                   | one body
        06 636173652037      | reason "case 7"
        """)

    private static let ofDestroyed = GoldenRecord(
        "an auditor reads of a message that is destroyed",
        event(
            tenant: "acme",
            .access(
                Access(.messageHistory, conversation: "general", messageID: "m-1", range: .first ... .first, bodies: 0, reason: "审计"))),
        """
        01 0b 00 01          | version, kind: access, flags: none, principal: a user
        000000000000000d     | position
        000001a20724218b     | at
        00                   | uid 0
        04 61636d65          | tenant "acme"
        01                   | question: message-history
        07                   | parts: conversation, message id, range
        07 67656e6572616c    | conversation "general"
        03 6d2d31            | message id "m-1"
        01 01                | first and last position: 1
        00                   | no body
        06 e5aea1e8aea1      | reason "审计"
        """)

    private static let ofNothing = GoldenRecord(
        "a reading that names neither conversation nor message nor range",
        event(tenant: "acme", .access(Access(.messageHistory, bodies: 128, reason: "x"))),
        """
        01 0b 00 01          | version, kind: access, flags: none, principal: a user
        000000000000000d     | position
        000001a20724218b     | at
        00                   | uid 0
        04 61636d65          | tenant "acme"
        01                   | question: message-history
        00                   | parts: none
        8001                 | 128 bodies
        01 78                | reason "x"
        """)

    private static let ofMoment = GoldenRecord(
        "an auditor reads a message as of a moment",
        event(
            tenant: "acme",
            .access(
                Access(
                    .message, conversation: "general", messageID: "m-1", range: Position(300)...Position(300), bodies: 1,
                    reason: "case 7"))),
        """
        01 0b 00 01          | version, kind: access, flags: none, principal: a user
        000000000000000d     | position
        000001a20724218b     | at
        00                   | uid 0
        04 61636d65          | tenant "acme"
        03                   | question: message
        07                   | parts: conversation, message id, range
        07 67656e6572616c    | conversation "general"
        03 6d2d31            | message id "m-1"
        ac02 ac02            | first and last position: 300
        01                   | one body
        06 636173652037      | reason "case 7"
        """)
}

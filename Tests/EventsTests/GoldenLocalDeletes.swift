import Events

extension GoldenRecord {
    static let localDeletes = [oneMessage, severalMessages, importedDelete, clearedHistory]

    private static let oneMessage = GoldenRecord(
        "a local delete of one message",
        Event(
            position: Position(9), at: GoldenTime.november, principal: .user(1000), tenant: "acme",
            deed: .localDelete(
                LocalDelete(
                    conversation: "general", viewer: "bob",
                    extent: .messages([.init(position: Position(7), messageID: "m-1")])))),
        """
        01                   | version
        02                   | kind: local-delete
        00                   | flags: none
        01                   | principal: a user
        0000000000000009     | position
        000001a20724218b     | at
        e807                 | uid 1000
        04 61636d65          | tenant "acme"
        07 67656e6572616c    | conversation "general"
        03 626f62            | viewer "bob"
        01                   | extent: messages
        01                   | so many
        07                   | the first one's position
        03 6d2d31            | the first one's id "m-1"
        """)

    private static let severalMessages = GoldenRecord(
        "a local delete of several messages",
        Event(
            position: Position(0x0102_0304_0506_0708), at: GoldenTime.november, principal: .system, tenant: "acme",
            deed: .localDelete(
                LocalDelete(
                    conversation: "闲聊", viewer: "小明",
                    extent: .messages([
                        .init(position: Position(300), messageID: "m-2"), .init(position: .last, messageID: "消息-1"),
                    ])))),
        """
        01                   | version
        02                   | kind: local-delete
        00                   | flags: none
        00                   | principal: the system
        0102030405060708     | position
        000001a20724218b     | at
        04 61636d65          | tenant "acme"
        06 e997b2e8818a      | conversation "闲聊"
        06 e5b08fe6988e      | viewer "小明"
        01                   | extent: messages
        02                   | so many
        ac02                 | the first one's position: 300
        03 6d2d32            | the first one's id "m-2"
        ffffffffffffffffff01 | the second one's position
        08 e6b688e681af2d31  | the second one's id "消息-1"
        """)

    private static let importedDelete = GoldenRecord(
        "an imported local delete",
        Event(
            position: Position(10), at: GoldenTime.february, imported: GoldenTime.november, principal: .user(1000), tenant: "acme",
            deed: .localDelete(
                LocalDelete(
                    conversation: "general", viewer: "bob",
                    extent: .messages([.init(position: Position(129), messageID: "m-1")])))),
        """
        01                   | version
        02                   | kind: local-delete
        01                   | flags: imported
        01                   | principal: a user
        000000000000000a     | position
        0000016159d6d465     | at
        000001a20724218b     | server's time
        e807                 | uid 1000
        04 61636d65          | tenant "acme"
        07 67656e6572616c    | conversation "general"
        03 626f62            | viewer "bob"
        01                   | extent: messages
        01                   | so many
        8101                 | the first one's position: 129
        03 6d2d31            | the first one's id "m-1"
        """)

    private static let clearedHistory = GoldenRecord(
        "a cleared history",
        Event(
            position: Position(11), at: GoldenTime.november, principal: .user(1000), tenant: "acme",
            deed: .localDelete(LocalDelete(conversation: "general", viewer: "bob", extent: .upTo(Position(16_383))))),
        """
        01                   | version
        02                   | kind: local-delete
        00                   | flags: none
        01                   | principal: a user
        000000000000000b     | position
        000001a20724218b     | at
        e807                 | uid 1000
        04 61636d65          | tenant "acme"
        07 67656e6572616c    | conversation "general"
        03 626f62            | viewer "bob"
        02                   | extent: everything
        ff7f                 | up to position 16383
        """)
}

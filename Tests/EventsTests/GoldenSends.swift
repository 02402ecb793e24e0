import Events

extension GoldenRecord {
    static let sends = [plainSend, sendWithClientTime, importedSend, systemSend, fullSend]

    private static let plainSend = GoldenRecord(
        "a send",
        Event(
            position: Position(7), at: GoldenTime.november, principal: .user(1000), tenant: "acme",
            deed: .send(Send(conversation: "general", sender: "ann", messageID: "m-1", bodyBytes: 5, commitment: .counting))),
        """
        01                   | version
        01                   | kind: send
        00                   | flags: none
        01                   | principal: a user
        0000000000000007     | position
        000001a20724218b     | at
        e807                 | uid 1000
        04 61636d65          | tenant "acme"
        07 67656e6572616c    | conversation "general"
        03 616e6e            | sender "ann"
        03 6d2d31            | message id "m-1"
        00                   | content type: plain text
        05                   | body bytes
        000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f | commitment
        """)

    private static let sendWithClientTime = GoldenRecord(
        "a send with its sender's own time",
        Event(
            position: Position(8), at: GoldenTime.november, principal: .user(0), tenant: "公司",
            deed: .send(
                Send(
                    conversation: "闲聊", sender: "小明", messageID: "消息-1", bodyBytes: 0, commitment: .counting,
                    clientTime: GoldenTime.sender))),
        """
        01                   | version
        01                   | kind: send
        02                   | flags: client's time
        01                   | principal: a user
        0000000000000008     | position
        000001a20724218b     | at
        00                   | uid 0
        06 e585ace58fb8      | tenant "公司"
        06 e997b2e8818a      | conversation "闲聊"
        06 e5b08fe6988e      | sender "小明"
        08 e6b688e681af2d31  | message id "消息-1"
        00                   | content type: plain text
        00                   | body bytes
        000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f | commitment
        000001a2072420ac     | client's time
        """)

    private static let importedSend = GoldenRecord(
        "an imported send",
        Event(
            position: Position(300), at: GoldenTime.february, imported: GoldenTime.november, principal: .user(4_294_967_295),
            tenant: "acme",
            deed: .send(Send(conversation: "general", sender: "ann", messageID: "m-1", bodyBytes: 300, commitment: .counting))),
        """
        01                   | version
        01                   | kind: send
        01                   | flags: imported
        01                   | principal: a user
        000000000000012c     | position
        0000016159d6d465     | at
        000001a20724218b     | server's time
        ffffffff0f           | uid 4294967295
        04 61636d65          | tenant "acme"
        07 67656e6572616c    | conversation "general"
        03 616e6e            | sender "ann"
        03 6d2d31            | message id "m-1"
        00                   | content type: plain text
        ac02                 | body bytes: 300
        000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f | commitment
        """)
}

extension GoldenRecord {
    private static let systemSend = GoldenRecord(
        "a send by Annals itself, of the limit's bytes",
        Event(
            position: .first, at: .distantPast, principal: .system, tenant: "é",
            deed: .send(Send(conversation: "general", sender: "ann", messageID: "m-1", bodyBytes: 65_536, commitment: .counting))),
        """
        01                   | version
        01                   | kind: send
        00                   | flags: none
        00                   | principal: the system
        0000000000000001     | position
        0000000000000000     | at: the first millisecond of 1970
        02 c3a9              | tenant "é"
        07 67656e6572616c    | conversation "general"
        03 616e6e            | sender "ann"
        03 6d2d31            | message id "m-1"
        00                   | content type: plain text
        808004               | body bytes: 65536
        000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f | commitment
        """)

    private static let fullSend = GoldenRecord(
        "an imported send of a picture, with its sender's own time, at the ends of all numbers",
        Event(
            position: .last, at: .distantFuture, imported: .distantFuture, principal: .user(128), tenant: "acme",
            deed: .send(
                Send(
                    conversation: "general", sender: "ann", messageID: "m-1", contentType: .png, bodyBytes: .max,
                    commitment: .counting, clientTime: .distantFuture))),
        """
        01                   | version
        01                   | kind: send
        03                   | flags: imported, client's time
        01                   | principal: a user
        ffffffffffffffff     | position
        0000e677d21fdbff     | at: the last millisecond of 9999
        0000e677d21fdbff     | server's time
        8001                 | uid 128
        04 61636d65          | tenant "acme"
        07 67656e6572616c    | conversation "general"
        03 616e6e            | sender "ann"
        03 6d2d31            | message id "m-1"
        09 696d6167652f706e67 | content type "image/png"
        ffffffff0f           | body bytes
        000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f | commitment
        0000e677d21fdbff     | client's time
        """)
}

extension ContentType {
    static let png = ContentType(text: "image/png")

    /// Of a literal.
    init(text: String) {
        let checked = Array(text.utf8).withUnsafeBytes { ContentType(checking: $0) }
        guard let checked else { preconditionFailure("because \(text) is no content type") }
        self = checked
    }
}

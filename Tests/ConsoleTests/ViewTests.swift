import AnnalsClient
import Console
import RESP
import Testing

struct ViewTests {
    private let file = View(surface: .file, zone: .utc)
    private let terminal = View(surface: Surface(width: 60, hasColours: false), zone: .utc)

    private func message(_ number: Int, sender: String, body: RESPValue, type: String = "text/plain; charset=utf-8") -> RESPValue {
        map([
            "position": .integer(number), "at": .integer(1_517_630_706_789), "tenant": .simple("t"), "conversation": .simple("c"),
            "sender": .bulk(Array(sender.utf8)), "id": .simple("m\(number)"), "type": .simple(type), "body": body,
            "state": .simple(body.isNull ? "expired" : "visible"), "expires": .null, "held": .boolean(false), "receipt": .null,
        ])
    }

    private func page(_ messages: [RESPValue]) throws -> AnnalsClient.Page {
        try AnnalsClient.Page(map(["messages": .array(messages), "next": .null, "previous": .simple("5-7"), "position": .integer(9)]))
    }

    @Test("a timeline shows who said what when, and how to go on")
    func timeline() throws {
        let page = try page([
            message(7, sender: "阿美", body: .bulk(Array("你好\u{1B}[2J\nzwei".utf8))), message(8, sender: "bob", body: .bulk([])),
            message(9, sender: "bob", body: .bulk([1, 2]), type: "image/png"),
        ])
        var table = TimelineView(terminal, showsIDs: false)
        #expect(
            table.render(page.messages) + table.footer(page) == """
                position  time (UTC)           sender
                    body
                      #7  2018-02-03 04:05:06  阿美
                    你好␛[2J
                    zwei
                      #8  2018-02-03 04:05:06  bob
                    (empty)
                      #9  2018-02-03 04:05:06  bob
                    (image/png, 2 B)
                older: --before 5-7   the log ends at #9

                """)
        var plain = TimelineView(file, showsIDs: true)
        #expect(
            plain.render(Array(page.messages.prefix(1))) + plain.footer(page) == """
                position  time (UTC)           sender  id  body
                      #7  2018-02-03 04:05:06  阿美    m7  你好␛[2J⏎zwei

                """)
    }

    @Test("a held message is marked beside its position, and a purged one names its receipt")
    func heldAndPurged() throws {
        var table = TimelineView(file, showsIDs: false)
        let messages = try [Sample.message(held: true), Sample.message(state: "purged", receipt: 17)].map {
            try AnnalsClient.Message($0)
        }
        #expect(
            table.render(messages) == """
                position  time (UTC)           sender  body
                 held #7  2018-02-03 04:05:06  s       hello
                      #7  2018-02-03 04:05:06  s       (purged, receipt #17)

                """)
        let card = file.card(messages[1])
        #expect(
            card.hasSuffix(
                "state         purged\nexpires       2018-08-02 04:05:06.789 UTC\nreceipt       #17\nbody          (purged, receipt #17)\n")
        )
        #expect(file.card(messages[0]).contains("\nheld          yes: it is not destroyed\n"))
    }

    @Test("an id that looks like a number stays what it is")
    func ids() {
        #expect(file.text(.bulk(Array("007".utf8)), under: "message-id") == "007")
        #expect(file.text(.integer(7), under: "keys") == "7")
    }

    @Test("events show what their kind has, without what is absent or usual")
    func events() {
        var table = EventView(file)
        let text = table.render([
            map([
                "position": .integer(1), "at": .integer(1_517_630_706_789), "kind": .simple("send"), "principal": .simple("uid:0"),
                "tenant": .simple("t"), "conversation": .simple("c"), "message-id": .simple("m"),
                "content-type": .simple("text/plain; charset=utf-8"), "body-length": .integer(5), "commitment": .simple("00"),
                "client-time": .null,
            ]),
            map([
                "position": .integer(2), "at": .integer(1_517_630_706_789), "kind": .simple("local-delete"), "principal": .simple("uid:0"),
                "tenant": .simple("t"), "message-ids": .array([.simple("a"), .simple("b")]), "recorded": .integer(1_517_630_706_790),
            ]),
        ])
        #expect(
            text == """
                position  time (UTC)               kind          principal  what
                      #1  2018-02-03 04:05:06.789  send          uid:0      tenant=t  conversation=c  message-id=m  body-length=5
                      #2  2018-02-03 04:05:06.789  local-delete  uid:0      tenant=t  message-ids=a, b  recorded=2018-02-03T04:05:06.790

                """)
    }

    @Test("the status groups what it knows and shows what it does not")
    func status() {
        let text = file.status(
            map([
                "new-number": .integer(12_345), "messages": .integer(17_345), "body-bytes": .integer(4_102_625), "writable": .boolean(true),
            ]))
        #expect(
            text == """
                Log
                  writable  yes

                Archive
                  messages    17,345
                  body bytes  3.9 MiB

                More
                  new number  12,345

                """)
    }

    @Test("the status says how far the daemon is with what must be destroyed")
    func destruction() {
        let waiting = map([
            "oldest-expired-seconds": 90_000, "next-purge": Sheet.moment, "open-intents": 1, "keys": 12_345, "clock": "trusted",
        ])
        #expect(
            file.status(waiting) == """
                Destruction
                  oldest expired  1 d 1 h
                  next purge      2018-02-03 04:05:06 UTC
                  open intents    1
                  keys            12,345
                  clock           trusted

                """)
        let nothing = map(["oldest-expired-seconds": .null, "next-purge": .null])
        #expect(
            file.status(nothing) == """
                Destruction
                  oldest expired  nothing waits
                  next purge      not planned

                """)
    }

    @Test("JSON keeps the wire's names; bytes that are no text are in base64")
    func json() {
        let answer = map([
            "body": .bulk([0xFF]), "list": .array([.bulk([0xFE]), .simple("a")]), "n": .integer(1), "none": .null, "yes": .boolean(true),
        ])
        #expect(JSON(answer).text == #"{"body-base64":"/w==","list":[{"base64":"/g=="},"a"],"n":1,"none":null,"yes":true}"#)
    }

    @Test("a reader of the log goes on behind what it has, and waits only at the end")
    func reading() throws {
        func events(_ positions: ClosedRange<Int>) -> [RESPValue] { positions.map { map(["position": .integer($0)]) } }
        var reading = EventReading(from: 5, count: nil, tenant: "t", isEndless: true)
        #expect(reading.request == ["EVENTS.READ", "FROM", 5, "COUNT", 1000, "TENANT", "t"])
        try reading.take(events(5...7))
        #expect(reading.request == ["EVENTS.READ", "FROM", 8, "COUNT", 1000, "TENANT", "t"])
        try reading.take([])
        #expect(reading.request == ["EVENTS.READ", "FROM", 8, "COUNT", 1000, "BLOCK", 30_000, "TENANT", "t"])
        try reading.take(events(9...9))
        #expect(reading.request?.contains("BLOCK") == false)

        var counted = EventReading(from: 1, count: 3, tenant: nil, isEndless: false)
        try counted.take(events(1...2))
        #expect(counted.request == ["EVENTS.READ", "FROM", 3, "COUNT", 1])
        try counted.take(events(3...3))
        #expect(counted.request == nil)
        #expect(throws: Trouble.self) { try reading.take(events(1...1)) }
    }
}

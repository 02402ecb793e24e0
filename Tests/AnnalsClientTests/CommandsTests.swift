import AnnalsClient
import RESP
import Testing

@Suite("AnnalsClient's commands", .timeLimit(.minutes(20)))
struct CommandsTests {
    /// Answers appends with 7 and a timeline with one page, in the version that is asked for.
    private static func answering(_ version: ProtocolVersion) -> ToyServer.Answer {
        { words, writer in
            writer.version = version
            if words[0] == "TIMELINE" { writePage(&writer) } else { writer.integer(7) }
            return .goOn
        }
    }

    private static func writePage(_ writer: inout ReplyWriter) {
        writer.map(count: 4)
        writer.bulk("messages")
        writer.array(count: 1)
        writer.map(count: 12)
        for (key, text) in [
            ("tenant", "acme"), ("conversation", "lobby"), ("sender", "ada"), ("id", "m-1"), ("type", "text/plain"), ("body", "你好"),
            ("state", "visible"),
        ] {
            writer.bulk(key)
            writer.bulk(text)
        }
        for (key, number) in [("position", 3), ("at", 1_500_000_000_000), ("expires", 1_600_000_000_000)] {
            writer.bulk(key)
            writer.integer(number)
        }
        writer.bulk("held")
        writer.boolean(true)
        writer.bulk("receipt")
        writer.null()
        writer.bulk("next")
        writer.null()
        writer.bulk("previous")
        writer.bulk("1500000000000-3")
        writer.bulk("position")
        writer.integer(9)
    }

    @Test("a page is the same in either version", arguments: [ProtocolVersion.resp2, .resp3])
    func page(_ version: ProtocolVersion) async throws {
        try await ToyServer.serving(Self.answering(version)) { server in
            let client = try await AnnalsClient.connect(toSocket: server.path)
            let page = try await client.timeline(tenant: "acme", conversation: "lobby", viewer: "ben")
            let message = try #require(page.messages.first)
            #expect(page.messages.count == 1)
            #expect(page.next == nil)
            #expect(page.previous?.rawValue == "1500000000000-3")
            #expect(page.position.rawValue == 9)
            #expect(message.position.rawValue == 3)
            #expect(message.at.rawValue == 1_500_000_000_000)
            #expect(message.expires?.rawValue == 1_600_000_000_000)
            #expect(message.body == Array("你好".utf8))
            #expect(message.state == .visible)
            #expect(message.isHeld)
            #expect(message.receipt == nil)
            await client.close()
        }
    }

    @Test("an answer of another kind is told as such")
    func unexpected() async throws {
        let answer: ToyServer.Answer = { _, writer in
            writer.simple("OK")
            return .goOn
        }
        try await ToyServer.serving(answer) { server in
            let client = try await AnnalsClient.connect(toSocket: server.path)
            await #expect(throws: AnnalsClientError.answerUnexpected("a page has no messages")) {
                try await client.timeline(tenant: "t", conversation: "c", viewer: "v")
            }
            await #expect(throws: AnnalsClientError.answerUnexpected("an append is answered with its position")) {
                try await client.send(tenant: "t", conversation: "c", sender: "s", messageID: "m", body: "")
            }
            await client.close()
        }
    }

    @Test("the typed calls are the words of the wire")
    func words() async throws {
        try await ToyServer.serving(Self.answering(.resp3)) { server in
            let client = try await AnnalsClient.connect(toSocket: server.path)
            let seven = AnnalsClient.Position(rawValue: 7)
            #expect(try await client.send(tenant: "t", conversation: "c", sender: "s", messageID: "m", body: .bytes([0x62])) == seven)
            #expect(
                try await client.send(
                    tenant: "t", conversation: "c", sender: "s", messageID: "*", body: "b", contentType: "text/html",
                    clientTime: .init(rawValue: 5), expecting: .last(seven), at: .init(rawValue: 6)) == seven)
            #expect(
                try await client.send(tenant: "t", conversation: "c", sender: "s", messageID: "m", body: "b", expecting: .nothing) == seven)
            #expect(try await client.localDelete(tenant: "t", conversation: "c", viewer: "v", messageIDs: ["a", "b"]) == seven)
            #expect(try await client.localDelete(tenant: "t", conversation: "c", viewer: "v", upTo: seven, at: .init(rawValue: 8)) == seven)
            _ = try await client.timeline(
                tenant: "t", conversation: "c", viewer: "v", from: .before(.init(rawValue: "9-1")), count: 5, asOf: .position(seven))
            _ = try await client.timeline(tenant: "t", conversation: "c", viewer: "v", from: .oldest, asOf: .time(.init(rawValue: 1)))
            await client.close()
            #expect(
                server.commands.map { $0.joined(separator: " ") } == [
                    "SEND t c s m b",
                    "SEND t c s * b TYPE text/html CLIENTTIME 5 EXPECT 7 AT 6",
                    "SEND t c s m b EXPECT NONE",
                    "LOCALDELETE t c v ID a b",
                    "LOCALDELETE t c v UPTO 7 AT 8",
                    "TIMELINE t c VIEWER v BEFORE 9-1 COUNT 5 ASOF #7",
                    "TIMELINE t c VIEWER v AFTER - ASOF 1",
                ])
        }
    }
}

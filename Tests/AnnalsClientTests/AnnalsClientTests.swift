import AnnalsClient
import NIOCore
import RESP
import Testing

@Suite("AnnalsClient, and servers that do not behave", .timeLimit(.minutes(20)))
struct AnnalsClientTests {
    private func connect(_ server: ToyServer, inFlightMax: Int = 1024) async throws -> AnnalsClient {
        var options = AnnalsClient.Options()
        options.inFlightMax = inFlightMax
        return try await AnnalsClient.connect(toSocket: server.path, options: options)
    }

    @Test("a path without a socket is told as such")
    func noSocket() async {
        let error = await #expect(throws: AnnalsClientError.self) { try await AnnalsClient.connect(toSocket: "/tmp/annals-none/no.sock") }
        #expect(error?.description.contains("/tmp/annals-none/no.sock: there is no socket; is annalsd running") == true)
    }

    @Test("a path that is too long for a socket, or is none, is told as such")
    func badPath() async {
        await #expect(throws: AnnalsClientError.self) {
            try await AnnalsClient.connect(toSocket: "/tmp/" + String(repeating: "x", count: 200))
        }
        let error = await #expect(throws: AnnalsClientError.self) { try await AnnalsClient.connect(toSocket: "/etc/passwd") }
        #expect(error?.description.contains("nobody listens there") == true)
    }

    @Test("a server that takes the connection and says nothing is given up")
    func silence() async throws {
        try await ToyServer.serving(greets: false) { _, _ in
            .keepSilent
        } to: { server in
            var options = AnnalsClient.Options()
            options.connectTimeoutSeconds = 1
            let expected = AnnalsClientError.cannotConnect(path: server.path, reason: "it did not answer within 1 s")
            await #expect(throws: expected) { try await AnnalsClient.connect(toSocket: server.path, options: options) }
        }
    }

    @Test("a server that refuses the greeting is no server for this client")
    func refusedGreeting() async throws {
        let answer: ToyServer.Answer = { _, writer in
            writer.error(code: "NOPROTO", "unsupported protocol version")
            return .goOn
        }
        try await ToyServer.serving(greets: false, answer) { server in
            let expected = AnnalsClientError.refused(code: "NOPROTO", message: "unsupported protocol version")
            await #expect(throws: expected) { try await connect(server) }
        }
    }

    @Test("the first words are HELLO 3 and the library's name")
    func greeting() async throws {
        try await ToyServer.serving(greets: false) { words, writer in
            ToyServer.greeting(words, &writer) ? .goOn : .hangUp
        } to: { server in
            await (try connect(server)).close()
            #expect(server.commands.map { $0.prefix(3) }.prefix(2) == [["HELLO", "3"], ["CLIENT", "SETINFO", "LIB-NAME"]])
        }
    }

    @Test("a connection that breaks tells everyone who waits that the outcome is not known")
    func hangUp() async throws {
        try await ToyServer.serving { words, _ in
            words == ["LAST"] ? .hangUp : .keepSilent
        } to: { server in
            let client = try await connect(server)
            await withTaskGroup(of: AnnalsClientError?.self) { group in
                for _ in 0..<10 {
                    group.addTask { await client.failure(of: ["WAIT"]) }
                }
                group.addTask { await client.failure(of: ["LAST"]) }
                for await error in group { #expect(error == .connectionLost(reason: "the server closed it")) }
            }
            let late = await client.failure(of: ["PING"])
            #expect(late == .closed(reason: "the server closed it"))
            #expect(!client.isOpen)
        }
    }

    @Test("an answer that is no RESP ends the connection")
    func garbage() async throws {
        let answer: ToyServer.Answer = { _, writer in
            writer.buffer.writeString("HTTP/1.1 400 Bad Request\r\n")
            return .goOn
        }
        try await ToyServer.serving(answer) { server in
            let client = try await connect(server)
            let error = await client.failure(of: ["PING"])
            #expect(error == .connectionLost(reason: "the server's answer is not RESP, because no RESP type begins with 'H'"))
        }
    }

    @Test("an answer that nobody asked for ends the connection, before it is taken for another's")
    func unasked() async throws {
        let answer: ToyServer.Answer = { _, writer in
            writer.simple("ONE")
            writer.simple("TWO")
            return .goOn
        }
        try await ToyServer.serving(answer) { server in
            let client = try await connect(server)
            #expect(try await client.call(["PING"]) == .simple("ONE"))
            let error = await client.failure(of: ["PING"])
            #expect(error == .closed(reason: "the server answered what nobody asked"))
        }
    }

    @Test("a message that answers nothing is passed over")
    func pushed() async throws {
        let answer: ToyServer.Answer = { _, writer in
            writer.buffer.writeString(">1\r\n+news\r\n")
            writer.simple("PONG")
            return .goOn
        }
        try await ToyServer.serving(answer) { server in
            let client = try await connect(server)
            #expect(try await client.pipeline([["PING"], ["PING"]]) == [.simple("PONG"), .simple("PONG")])
            await client.close()
        }
    }

    @Test("a client that was closed says so")
    func closed() async throws {
        try await ToyServer.serving { _, _ in
            .goOn
        } to: { server in
            let client = try await connect(server)
            await client.close()
            await client.close()
            let error = await client.failure(of: ["PING"])
            #expect(error == .closed(reason: "this client closed it"))
        }
    }

    @Test("a call that is cancelled while it waits for room never reaches the server")
    func cancelledUnsent() async throws {
        try await ToyServer.serving { _, _ in
            .keepSilent
        } to: { server in
            let client = try await connect(server, inFlightMax: 1)
            var arrivals = server.arrivals.makeAsyncIterator()
            async let held = client.failure(of: ["HELD"])
            #expect(await arrivals.next() == ["HELD"])
            let error = await withTaskGroup(of: AnnalsClientError?.self) { group in
                group.addTask { await client.failure(of: ["LATE"]) }
                group.cancelAll()
                return await group.next() ?? nil
            }
            #expect(error == .cancelled(sent: false))
            await client.close()
            #expect(await held == .connectionLost(reason: "this client closed it"))
            #expect(server.commands == [["HELD"]])
        }
    }

    @Test("a call that is cancelled after it was sent ends at once, and its answer goes to nobody else")
    func cancelledSent() async throws {
        let answer: ToyServer.Answer = { words, writer in
            if words == ["SLOW"] { return .keepSilent }
            writer.simple("for the slow one")
            writer.simple("for the next")
            return .goOn
        }
        try await ToyServer.serving(answer) { server in
            let client = try await connect(server)
            var arrivals = server.arrivals.makeAsyncIterator()
            let error = await withTaskGroup(of: AnnalsClientError?.self) { group in
                group.addTask { await client.failure(of: ["SLOW"]) }
                #expect(await arrivals.next() == ["SLOW"])
                group.cancelAll()
                return await group.next() ?? nil
            }
            #expect(error == .cancelled(sent: true))
            #expect(try await client.call(["NEXT"]) == .simple("for the next"))
            await client.close()
        }
    }
}

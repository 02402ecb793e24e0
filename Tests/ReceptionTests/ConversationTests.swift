import Testing

@testable import Reception

/// Everything through a real socket, with a real archive.
@Suite("Conversations with the door")
struct ConversationTests {
    @Test("inline commands, half a frame, and a frame byte by byte")
    func framing() async throws {
        try await withHouse { house in
            let caller = try Caller(house.path)
            try caller.send("PING\r\necho \"a b\"\n")
            #expect(try caller.lines(3) == ["+PONG", "$3", "a b"])
            let send = frame("SEND", "t", "c", "s", "m1", "body")
            for byte in send.utf8 { try caller.send([byte]) }
            #expect(try caller.line() == ":1")
            try caller.send(send + String(send.prefix(20)))
            #expect(try caller.line() == ":1")
            try caller.send(String(send.dropFirst(20)))
            #expect(try caller.line() == ":1")
        }
    }

    @Test("a pipeline of appends, refusals and questions is answered in its order")
    func order() async throws {
        try await withHouse { house in
            let caller = try Caller(house.path)
            var pipeline = ""
            var expected: [String] = []
            for index in 1...50 {
                pipeline += frame("SEND", "t", "c", "s", "m\(index)", "b") + frame("SEND", "t", "c", "s", "x", "b", "WHY")
                pipeline += frame("ECHO", "\(index)") + frame("SEND", "", "c", "s", "m", "b")
                expected += [":\(index)", "-BADARG SEND knows no option 'WHY'", "$\("\(index)".count)", "\(index)"]
                expected.append("-BADARG tenant is empty")
            }
            try caller.send(pipeline + frame("PING"))
            let lines = try caller.lines(expected.count + 1)
            #expect(zip(lines, expected).allSatisfy { $0.hasPrefix($1) })
            #expect(lines.last == "+PONG")
        }
    }

    @Test("what a client appended it reads at once, on the same connection and on others")
    func readYourWrites() async throws {
        try await withHouse { house in
            let caller = try Caller(house.path)
            let other = try Caller(house.path)
            for index in 1...20 {
                let question = frame("MESSAGE.GET", "t", "m\(index)") + frame("ECHO", "end")
                try caller.send(frame("SEND", "t", "c", "s", "m\(index)", "b") + question)
                #expect(try caller.lines(5) == [":\(index)", "*24", "$8", "position", ":\(index)"])
                while try caller.line() != "end" {}
                try other.send(question)
                #expect(try other.lines(4) == ["*24", "$8", "position", ":\(index)"])
                while try other.line() != "end" {}
            }
        }
    }

    @Test("a violation is answered behind what came before it, and the connection closes")
    func violation() async throws {
        try await withHouse { house in
            let violations = [
                ("*2\r\n$4\r\nECHO\r\n$2147483648\r\n", "-TOOLONG protocol error"), ("*1\r\n:5\r\n", "-BADARG protocol error"),
                ("*-1\r\n", "-BADARG protocol error"), ("*1\r\n$x\r\n", "-BADARG protocol error"),
            ]
            for (bytes, answer) in violations {
                let caller = try Caller(house.path)
                try caller.send(frame("SEND", "t", "c", "s", "m1", "b") + bytes + frame("PING"))
                let lines = try caller.rest().split(separator: "\r\n")
                #expect(lines.count == 2)
                #expect(lines[0] == ":1")
                #expect(lines[1].hasPrefix(answer))
            }
        }
    }

    @Test("a client that shuts down its writing side gets all its answers, then the end")
    func halfClose() async throws {
        try await withHouse { house in
            let caller = try Caller(house.path)
            let pipeline = (1...2000).map { frame("SEND", "t", "c", "s", "m\($0)", "b") + ($0 % 100 == 0 ? frame("PING") : "") }
            try caller.send(pipeline.joined() + "*3\r\n$4\r\nSEN")
            caller.endInput()
            let lines = try caller.rest().split(separator: "\r\n")
            #expect(lines.count == 2020)
            #expect(lines.filter { $0 == "+PONG" }.count == 20)
            #expect(lines.last == "+PONG")
        }
    }

    @Test("QUIT says goodbye and closes; what stands behind it is not executed")
    func quit() async throws {
        try await withHouse { house in
            let caller = try Caller(house.path)
            try caller.send(frame("SEND", "t", "c", "s", "m1", "b") + frame("QUIT") + frame("SEND", "t", "c", "s", "m2", "b"))
            #expect(try caller.rest() == ":1\r\n+OK\r\n")
            let other = try Caller(house.path)
            try other.send(frame("SEND", "t", "c", "s", "m3", "b"))
            #expect(try other.line() == ":2")
        }
    }

    @Test("RESP3 is agreed on by HELLO, and taken back by RESET")
    func versions() async throws {
        try await withHouse { house in
            let caller = try Caller(house.path)
            try caller.send(frame("HELLO", "3"))
            #expect(try caller.line() == "%7")
            _ = try caller.lines(25)
            try caller.send(frame("MESSAGE.GET", "t", "none") + frame("RESET") + frame("MESSAGE.GET", "t", "none") + frame("HELLO", "4"))
            #expect(try caller.lines(4) == ["_", "+RESET", "$-1", "-NOPROTO unsupported protocol version; say 2 or 3"])
        }
    }

    @Test("events are waited for, and come when they are there")
    func blocking() async throws {
        try await withHouse { house in
            let reader = try Caller(house.path)
            try reader.send(frame("EVENTS.READ", "FROM", "1", "BLOCK", "60000", "TENANT", "mine") + frame("PING"))
            let writer = try Caller(house.path)
            try writer.send(frame("SEND", "other", "c", "s", "m1", "b"))
            #expect(try writer.line() == ":1")
            try writer.send(frame("SEND", "mine", "c", "s", "m1", "b"))
            #expect(try writer.line() == ":2")
            #expect(try reader.lines(4) == ["*1", "*24", "$8", "position"])
            #expect(try reader.line() == ":2")
            try writer.send(frame("EVENTS.READ", "FROM", "3", "BLOCK", "1") + frame("EVENTS.READ", "FROM", "99"))
            #expect(try writer.lines(2) == ["*0", "*0"])
        }
    }
}

import Archive
import Testing

@testable import Reception

/// Whatever an outsider does: bounded, and everyone else is served.
@Suite("Bounds of the door")
struct BoundsTests {
    @Test("a client that never reads is served no further, hinders nobody, and is let go")
    func neverReads() async throws {
        try await withHouse { options, _ in
            options.unreadSeconds = 1
        } _: { house in
            let caller = try Caller(house.path)
            try caller.send(frame("SEND", "t", "c", "s", "m", String(repeating: "x", count: 60_000)))
            #expect(try caller.line() == ":1")
            let silent = try Caller(house.path)
            let question = Array(frame("MESSAGE.GET", "t", "m").utf8)
            var sent = 0
            for _ in 0..<100_000 { sent += silent.sendWithoutWaiting(question) }
            // What is not executed stays in the sockets and in a bounded buffer.
            #expect(sent < 4 << 20)
            try caller.send(frame("PING"))
            #expect(try caller.line() == "+PONG")
            // The end comes by itself; until then there is something to wait for.
            while silent.sendWithoutWaiting([10]) >= 0, try connections(caller) > 1 {}
        }
    }

    @Test("one connection too many is told so and closed; a place that becomes free is given away again")
    func tooMany() async throws {
        try await withHouse { options, _ in
            options.connectionsMax = 2
        } _: { house in
            let first = try Caller(house.path)
            try first.send("PING\r\n")
            #expect(try first.line() == "+PONG")
            var second: Caller? = try Caller(house.path)
            try second?.send("PING\r\n")
            #expect(try second?.line() == "+PONG")
            #expect(try Caller(house.path).rest() == "-BUSY there are 2 connections already; try again later\r\n")
            second = nil
            while try connections(first) > 1 {}
            let third = try Caller(house.path)
            try third.send("PING\r\n")
            #expect(try third.line() == "+PONG")
        }
    }

    @Test("a thousand idle connections cost little, and one more is served")
    func idle() async throws {
        try await withHouse { house in
            let crowd = try (0..<1000).map { _ in try Caller(house.path) }
            let caller = try Caller(house.path)
            try caller.send(frame("SEND", "t", "c", "s", "m", "b"))
            #expect(try caller.line() == ":1")
            for member in crowd { try member.send("PING\r\n") }
            for member in crowd { #expect(try member.line() == "+PONG") }
        }
    }

    @Test("when the fold is behind, appends wait and none is lost or reordered")
    func tailFull() async throws {
        try await withHouse { options, archive in
            options.stallMilliseconds = 60_000
            archive.bodyBytesMax = 1024
            archive.batchBytesMax = 16 << 10
            archive.tailBytesMax = 40 << 10
            archive.foldBytes = 32 << 10
        } _: { house in
            let callers = try (0..<4).map { _ in try Caller(house.path) }
            for (number, caller) in callers.enumerated() {
                let body = String(repeating: "x", count: 1000)
                try caller.send((0..<200).map { frame("SEND", "t", "c\(number)", "s", "m\(number)-\($0)", body) }.joined())
            }
            var positions: Set<Int> = []
            for caller in callers {
                let answers = try caller.lines(200).map { Int($0.dropFirst()) ?? 0 }
                #expect(answers == answers.sorted())
                positions.formUnion(answers)
            }
            #expect(positions == Set(1...800))
        }
    }

    @Test("half-sent commands of all clients together have a bound")
    func halves() async throws {
        try await withHouse { options, _ in
            options.inputBytesTotalMax = 1 << 20
        } _: { house in
            let half = Array((frame("PING") + "*2\r\n$4\r\nECHO\r\n$200000\r\n" + String(repeating: "x", count: 150_000)).utf8)
            var refused = 0
            let callers = try (0..<20).map { _ in try Caller(house.path) }
            for caller in callers { _ = caller.sendWithoutWaiting(half) }
            for caller in callers {
                #expect(try caller.line() == "+PONG")
                caller.endInput()
                refused += try caller.rest().hasPrefix("-BUSY clients have sent too many halves") ? 1 : 0
            }
            #expect(refused > 0)
        }
    }

    @Test("a stopping daemon answers what it accepted and closes every connection")
    func drain() async throws {
        let house = try await House.open()
        let lines = try await away {
            let sender = try Caller(house.path)
            try sender.send((1...500).map { frame("SEND", "t", "c", "s", "m\($0)", "b") }.joined())
            let first = try sender.line()
            let waiting = try Caller(house.path)
            try waiting.send(frame("EVENTS.READ", "FROM", "9999", "BLOCK", "60000"))
            let stopper = try Caller(house.path)
            try stopper.send(frame("PING") + frame("SHUTDOWN"))
            #expect(try stopper.rest() == "+PONG\r\n")
            // Not answered at all, if its command was not accepted yet; in no case is it left alone.
            #expect(["*0\r\n", ""].contains(try waiting.rest()))
            return [first] + (try sender.rest()).split(separator: "\r\n").map(String.init)
        }
        try await house.close()
        #expect(lines == (1...lines.count).map { ":\($0)" })
    }

    @Test("a daemon with a silent client stops in time")
    func drainBreaksOff() async throws {
        let house = try await House.open { options, _ in options.drainSeconds = 0 }
        let silent = try await away {
            let caller = try Caller(house.path)
            try caller.send(frame("SEND", "t", "c", "s", "m", String(repeating: "x", count: 60_000)))
            for _ in 0..<1000 { _ = caller.sendWithoutWaiting(Array(frame("MESSAGE.GET", "t", "m").utf8)) }
            return try caller.line()
        }
        try await house.close()
        #expect(silent == ":1")
    }

    /// How many connections there are.
    private func connections(_ caller: Caller) throws -> Int {
        try caller.send(frame("HELLO", "3") + frame("STATS") + frame("RESET"))
        var lines: [String] = []
        while lines.last != "+RESET" { lines.append(try caller.line()) }
        guard let key = lines.firstIndex(of: "connections"), let number = Int(lines[key + 1].dropFirst()) else { throw Caller.Lost() }
        return number
    }
}

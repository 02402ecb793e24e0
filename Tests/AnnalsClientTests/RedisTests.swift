import AnnalsClient
import Foundation
import RESP
import TestSupport
import Testing

/// A real Redis of the machine's own, where there is one: what its clients rely on, this client can be tried against.
private struct Redis {
    static let program = ["/usr/bin/redis-server", "/usr/local/bin/redis-server"].first { FileManager.default.isExecutableFile(atPath: $0) }

    let path: String
    private let folder: TemporaryFolder
    private let process: Process

    /// Runs for the length of `body`.
    static func running(_ body: (Redis) async throws -> Void) async throws {
        let redis = try Redis()
        let result: Result<Void, any Error>
        do { result = .success(try await body(redis)) } catch { result = .failure(error) }
        try await redis.stop()
        try result.get()
    }

    private init() throws {
        folder = try TemporaryFolder.forSockets()
        path = folder.file("socket")
        process = Process()
        // Under `timeout` it ends even when the tests are killed, and not before: beside long tests, this one may wait for minutes. By KILL, because a process started from here inherits
        // the signal mask of one of Swift's own threads, in which SIGTERM is blocked.
        process.executableURL = URL(fileURLWithPath: "/usr/bin/timeout")
        process.arguments = [
            "-s", "KILL", "1800", try #require(Self.program), "--port", "0", "--unixsocket", path, "--save", "", "--dir", folder.path,
        ]
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        var said = ""
        while !said.contains("ready to accept connections") {
            let data = output.fileHandleForReading.availableData
            if data.isEmpty { throw AnnalsClientError.cannotConnect(path: path, reason: "redis-server did not start: \(said)") }
            said += String(decoding: data, as: UTF8.self)
        }
    }

    func stop() async throws {
        let client = try await AnnalsClient.connect(toSocket: path)
        _ = await client.failure(of: ["SHUTDOWN", "NOSAVE"])
        process.waitUntilExit()
    }
}

@Suite("AnnalsClient, and a real Redis", .enabled(if: Redis.program != nil), .timeLimit(.minutes(20)))
struct RedisTests {
    @Test("values come back as they went, bytes and all")
    func values() async throws {
        try await Redis.running { redis in
            let client = try await AnnalsClient.connect(toSocket: redis.path)
            #expect(try await client.call(["PING"]) == .simple("PONG"))
            let bytes: [UInt8] = Array(0...255) + Array("\r\n".utf8)
            #expect(try await client.call(["SET", "k", .bytes(bytes)]) == .simple("OK"))
            #expect(try await client.call(["GET", "k"]).bytes == bytes)
            #expect(try await client.call(["GET", "absent"]).isNull)
            #expect(try await client.call(["INCRBY", "n", 42]).integer == 42)
            let large = [UInt8](repeating: 7, count: 9 << 20)
            #expect(try await client.call(["SET", "large", .bytes(large)]) == .simple("OK"))
            #expect(try await client.call(["GET", "large"]).bytes == large)
            await client.close()
        }
    }

    @Test("the connection speaks RESP3")
    func version() async throws {
        try await Redis.running { redis in
            let client = try await AnnalsClient.connect(toSocket: redis.path)
            _ = try await client.pipeline([["HSET", "h", "a", 1, "b", 2], ["SADD", "s", "x"]])
            let hash = try await client.call(["HGETALL", "h"])
            guard case .map = hash else { throw AnnalsClientError.answerUnexpected("no map") }
            #expect(hash["b"]?.integer == 2)
            #expect(try await client.call(["SMEMBERS", "s"]) == .set([.bulk([0x78])]))
            await client.close()
        }
    }

    @Test("refusals are errors of a call, and values of a pipeline")
    func refusals() async throws {
        try await Redis.running { redis in
            let client = try await AnnalsClient.connect(toSocket: redis.path)
            _ = try await client.call(["SET", "k", "text"])
            let expected = AnnalsClientError.refused(code: "ERR", message: "value is not an integer or out of range")
            await #expect(throws: expected) { try await client.call(["INCR", "k"]) }
            let answers = try await client.pipeline([["PING"], ["INCR", "k"], ["GET", "k"]])
            #expect(answers[0] == .simple("PONG"))
            #expect(answers[1] == .error(code: "ERR", message: "value is not an integer or out of range"))
            #expect(answers[2].string == "text")
            #expect(try await client.pipeline([]).isEmpty)
            await #expect(throws: AnnalsClientError.commandEmpty) { try await client.call([]) }
            await client.close()
        }
    }

    @Test("a long pipeline through a narrow window comes back in order")
    func longPipeline() async throws {
        try await Redis.running { redis in
            var options = AnnalsClient.Options()
            options.inFlightMax = 7
            let client = try await AnnalsClient.connect(toSocket: redis.path, options: options)
            let answers = try await client.pipeline((0..<5000).map { ["ECHO", .number($0)] })
            #expect(answers.map(\.integer) == (0..<5000).map { $0 })
            await client.close()
        }
    }

    @Test("many tasks share the connection, and each gets its own answers")
    func manyTasks() async throws {
        try await Redis.running { redis in
            let client = try await AnnalsClient.connect(toSocket: redis.path)
            try await withThrowingTaskGroup(of: Bool.self) { group in
                for task in 0..<100 {
                    group.addTask {
                        var isOwn = true
                        for round in 0..<20 {
                            let answers = try await client.pipeline([["ECHO", "\(task)"], ["ECHO", .number(round)]])
                            isOwn = isOwn && answers.map(\.integer) == [task, round]
                        }
                        return isOwn
                    }
                }
                for try await isOwn in group { #expect(isOwn) }
            }
            await client.close()
        }
    }

    @Test("a server that dies tells the call that waits, and a new one is connected to in its place")
    func death() async throws {
        try await Redis.running { redis in
            let client = try await AnnalsClient.connect(toSocket: redis.path)
            async let failure = client.failure(of: ["BLPOP", "never", 0])
            let killer = try await AnnalsClient.connect(toSocket: redis.path)
            // Waits in a bounded way for the other connection to block, then cuts it.
            while try await killer.call(["INFO", "clients"]).string?.contains("blocked_clients:1") == false {}
            _ = try await killer.call(["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"])
            #expect(await failure == .connectionLost(reason: "the server closed it"))
            await killer.close()
            let again = try await AnnalsClient.connect(toSocket: redis.path)
            #expect(try await again.call(["PING"]) == .simple("PONG"))
            await again.close()
        }
    }
}

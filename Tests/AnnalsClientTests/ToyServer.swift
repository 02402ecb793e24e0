import AnnalsClient
import NIOCore
import NIOPosix
import RESP
import Synchronization
import TestSupport

/// A server of a few lines: what it answers to a command is decided by a closure.
final class ToyServer: Sendable {
    /// What becomes of the connection after a command.
    enum Next { case goOn, hangUp, keepSilent }
    typealias Answer = @Sendable (_ words: [String], inout ReplyWriter) -> Next

    let path: String
    private let folder: TemporaryFolder
    private let channel: any Channel
    private let log: Log

    /// What came so far, greetings aside.
    var commands: [[String]] { log.commands.withLock { $0 } }
    /// The same, as it comes.
    var arrivals: AsyncStream<[String]> { log.arrivals.stream }

    private init(path: String, in folder: TemporaryFolder, channel: any Channel, log: Log) {
        self.path = path
        self.folder = folder
        self.channel = channel
        self.log = log
    }

    /// Serves for the length of `body`. Unless it `greets`, even `HELLO` goes to `answer`.
    static func serving(
        greets: Bool = true, _ answer: @escaping Answer, to body: (ToyServer) async throws -> Void
    ) async throws {
        let folder = try TemporaryFolder.forSockets()
        let path = folder.file("socket")
        let log = Log()
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Session(greets: greets, answer: answer, log: log))
                }
            }
            .bind(unixDomainSocketPath: path).get()
        let server = ToyServer(path: path, in: folder, channel: channel, log: log)
        let result: Result<Void, any Error>
        do { result = .success(try await body(server)) } catch { result = .failure(error) }
        try await channel.close()
        try result.get()
    }

    /// `HELLO` and `CLIENT` are answered as a real server does; the rest goes to `answer`.
    static func greeting(_ words: [String], _ writer: inout ReplyWriter) -> Bool {
        switch words[0] {
        case "HELLO":
            writer.version = .resp3
            writer.map(count: 1)
            writer.bulk("proto")
            writer.integer(3)
        case "CLIENT": writer.simple("OK")
        default: return false
        }
        return true
    }

    fileprivate final class Log: Sendable {
        let commands = Mutex<[[String]]>([])
        let arrivals = AsyncStream<[String]>.makeStream()
    }

    private final class Session: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer
        private let greets: Bool
        private let answer: Answer
        private let log: Log
        private var parser = CommandParser()
        private var received = ByteBuffer()
        private var writer = ReplyWriter(version: .resp2)

        init(greets: Bool, answer: @escaping Answer, log: Log) {
            self.greets = greets
            self.answer = answer
            self.log = log
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            var bytes = unwrapInboundIn(data)
            received.writeBuffer(&bytes)
            while let words = nextCommand() {
                if greets, ToyServer.greeting(words, &writer) { continue }
                log.commands.withLock { $0.append(words) }
                log.arrivals.continuation.yield(words)
                let next = answer(words, &writer)
                if next != .keepSilent { context.writeAndFlush(wrapOutboundOut(writer.take()), promise: nil) }
                if next == .hangUp { return context.close(promise: nil) }
            }
            context.writeAndFlush(wrapOutboundOut(writer.take()), promise: nil)
        }

        private func nextCommand() -> [String]? {
            var words: [String]?
            let consumed = received.withUnsafeReadableBytes { bytes in
                if case .command = parser.parse(bytes) {
                    words = parser.lendArguments(of: bytes) { arguments in
                        (0..<arguments.count).map { String(decoding: arguments[$0], as: UTF8.self) }
                    }
                }
                return parser.takeConsumed()
            }
            received.moveReaderIndex(forwardBy: consumed)
            return words
        }
    }
}

extension AnnalsClient {
    /// Why a call has no answer; nil when it has one.
    func failure(of words: [Word]) async -> AnnalsClientError? {
        do throws(AnnalsClientError) {
            _ = try await call(words)
            return nil
        } catch {
            return error
        }
    }
}

import NIOCore
import NIOPosix
@_exported public import RESP
import Synchronization

/// A connection to `annalsd`, for any number of tasks at once.
///
/// Calls are sent at once, without waiting for the answers of those before them (pipelining), and answered in the order in which they
/// were sent. So one connection serves a whole service; a call that makes the server wait (`EVENTS.READ … BLOCK`) holds up
/// those behind it and deserves a connection of its own.
/// ```swift
/// let client = try await AnnalsClient.connect(toSocket: "/run/annals/annals.sock")
/// let position = try await client.send(tenant: "acme", conversation: "lobby", sender: "ada", messageID: "m-1", body: "Hello")
/// let page = try await client.timeline(tenant: "acme", conversation: "lobby", viewer: "ben")
/// await client.close()
/// ```
public final class AnnalsClient: Sendable {
    /// How a connection behaves.
    public struct Options: Sendable {
        /// How many commands may be sent and not answered yet. More of them wait for their turn before they are sent.
        public var inFlightMax = 1024
        /// How long to wait for the server to take the connection and to answer its first command.
        public var connectTimeoutSeconds = 10

        /// What is best for nearly everyone.
        public init() {}
    }

    /// What the server is told about this library.
    static let libraryName = "annals-swift"
    static let libraryVersion = "0.1.0"

    private let channel: any Channel
    private let handler: NIOLoopBound<ExchangeHandler>
    private let nextID = Atomic<Int>(0)

    private init(channel: any Channel, handler: NIOLoopBound<ExchangeHandler>) {
        self.channel = channel
        self.handler = handler
    }

    deinit { channel.close(promise: nil) }

    /// Connects to a daemon's socket and agrees on RESP3 with it.
    ///
    /// Throws `cannotConnect` with the reason and what to do when nobody answers there.
    public static func connect(
        toSocket path: String, options: Options = Options()
    ) async throws(AnnalsClientError) -> AnnalsClient {
        let (channel, handler) = try await SocketDoor.open(path, options)
        let client = AnnalsClient(channel: channel, handler: handler)
        let patience = channel.eventLoop.scheduleTask(in: .seconds(Int64(options.connectTimeoutSeconds))) {
            handler.value.close(because: "it did not answer within \(options.connectTimeoutSeconds) s")
        }
        defer { patience.cancel() }
        do throws(AnnalsClientError) {
            try await client.introduce()
        } catch {
            await client.close()
            if case .connectionLost(let reason) = error { throw .cannotConnect(path: path, reason: reason) }
            throw error
        }
        return client
    }

    private func introduce() async throws(AnnalsClientError) {
        let answers = try await pipeline([
            ["HELLO", 3],
            ["CLIENT", "SETINFO", "LIB-NAME", .text(Self.libraryName)],
            ["CLIENT", "SETINFO", "LIB-VER", .text(Self.libraryVersion)],
        ])
        // Only HELLO matters: a server that does not know the other two works as well.
        if case .error(let code, let message) = answers[0] { throw .refused(code: code, message: message) }
    }

    /// Whether the connection still stands, as far as is known here.
    public var isOpen: Bool { channel.isActive }

    /// Ends the connection. Calls that still wait for an answer fail with `connectionLost`.
    public func close() async {
        let handler = handler
        channel.eventLoop.execute { handler.value.close(because: "this client closed it") }
        await withCheckedContinuation { waiter in
            channel.closeFuture.whenComplete { _ in waiter.resume() }
        }
    }
}

/// Commands of any kind.
extension AnnalsClient {
    /// Sends one command and awaits its answer. A refusal of the server is thrown as `refused`.
    public func call(_ words: [Word]) async throws(AnnalsClientError) -> RESPValue {
        let answers = try await pipeline([words])
        if case .error(let code, let message) = answers[0] { throw .refused(code: code, message: message) }
        return answers[0]
    }

    /// Sends commands one behind the other and awaits all answers, in the order of the commands.
    /// Refusals are among them as `RESPValue.error`; only a lost connection, or a cancelled task, throws.
    public func pipeline(_ commands: [[Word]]) async throws(AnnalsClientError) -> [RESPValue] {
        if commands.isEmpty { return [] }
        return try await exchange(EncodedCommands(commands)).get()
    }

    /// How far a call has come, so that its cancellation reaches the event loop behind the call itself, never before it.
    private enum Stage {
        static let fresh = 0
        static let submitted = 1
        static let cancelled = 2
    }

    private func exchange(_ commands: EncodedCommands) async -> Result<[RESPValue], AnnalsClientError> {
        let id = nextID.wrappingAdd(1, ordering: .relaxed).oldValue
        let (loop, handler) = (channel.eventLoop, handler)
        let stage = Atomic<Int>(Stage.fresh)
        return await withTaskCancellationHandler {
            await withCheckedContinuation { waiter in
                loop.execute { handler.value.submit(id, commands, waiter: waiter) }
                let (isFirst, _) = stage.compareExchange(
                    expected: Stage.fresh, desired: Stage.submitted, ordering: .acquiringAndReleasing)
                if !isFirst { loop.execute { handler.value.cancel(id) } }
            }
        } onCancel: {
            let before = stage.exchange(Stage.cancelled, ordering: .acquiringAndReleasing)
            if before == Stage.submitted { loop.execute { handler.value.cancel(id) } }
        }
    }
}

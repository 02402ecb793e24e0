import Glibc
import Logging
import NIOCore
import NIOPosix

/// Opens the door: takes connections in, finds out who they are, and gives each its session.
struct Listener {
    let channel: any Channel
    let file: SocketFile

    /// More than the system's usual 128: thousands of clients come back at once after a restart.
    private static let backlog: CInt = 4096

    /// - Parameter desk: bound to `loop`, on which everything here runs.
    static func open(_ options: ReceptionOptions, desk: NIOLoopBound<Desk>, on loop: any EventLoop) async throws -> Listener {
        let (file, descriptor) = try SocketFile.bind(path: options.socketPath, mode: options.socketMode, group: options.socketGroup)
        let bootstrap = ServerBootstrap(group: loop)
            .serverChannelInitializer { channel in
                // Out of file descriptors: the one that is left over is for closing, so wait instead of spinning.
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(AcceptBackoffHandler()) }
            }
            .serverChannelOption(.maxMessagesPerRead, value: 64)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            // One read a turn: a second one would mostly be told that there is nothing more, and costs a system call a message.
            .childChannelOption(.maxMessagesPerRead, value: 1)
            .childChannelInitializer { channel in Self.receive(channel, desk) }
        do {
            let channel = try await bootstrap.withBoundSocket(descriptor).get()
            // The bootstrap listens with its own, shorter queue; the descriptor is open as long as its channel is.
            listen(descriptor, backlog)
            return Listener(channel: channel, file: file)
        } catch {
            file.remove()
            throw error
        }
    }

    /// Takes nobody in any more.
    func close() async throws {
        file.remove()
        try await channel.close().get()
    }

    private static func receive(_ channel: any Channel, _ desk: NIOLoopBound<Desk>) -> EventLoopFuture<Void> {
        Peer.of(channel).flatMapThrowing { peer in
            let desk = desk.value
            if desk.isFull || desk.isDraining {
                desk.numbers.connectionsRefused += 1
                try channel.pipeline.syncOperations.addHandler(
                    TurnedAway(desk.isDraining ? "the daemon is stopping" : "there are \(desk.options.connectionsMax) connections already"))
            } else {
                desk.numbers.connectionsTotal += 1
                let session = SessionHandler(desk: desk, number: desk.numbers.connectionsTotal, peer: peer)
                try channel.pipeline.syncOperations.addHandler(session)
            }
        }
    }
}

/// Tells a client that there is no room for it, and closes.
private final class TurnedAway: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let reason: String

    init(_ reason: String) { self.reason = reason }

    func channelActive(context: ChannelHandlerContext) {
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: "-BUSY \(reason); try again later\r\n"))).whenComplete { _ in
            bound.value.close(promise: nil)
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {}
}

/// How many files this process may have open.
package enum FileLimit {
    /// Raises the limit as far as the system allows, and returns it.
    package static func raise() -> Int {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 0 }
        if limit.rlim_cur < limit.rlim_max {
            var raised = limit
            raised.rlim_cur = limit.rlim_max
            if setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &raised) == 0 { limit = raised }
        }
        return Int(clamping: limit.rlim_cur)
    }
}

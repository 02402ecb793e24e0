import Glibc
import NIOCore
import NIOPosix

/// Opens the socket, and says in plain words why it cannot be opened.
enum SocketDoor {
    static func open(
        _ path: String, _ options: AnnalsClient.Options
    ) async throws(AnnalsClientError) -> (any Channel, NIOLoopBound<ExchangeHandler>) {
        let bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connectTimeout(.seconds(Int64(options.connectTimeoutSeconds)))
        do {
            return try await bootstrap.connect(unixDomainSocketPath: path) { channel in
                channel.eventLoop.makeCompletedFuture {
                    let handler = ExchangeHandler(inFlightMax: options.inFlightMax)
                    try channel.pipeline.syncOperations.addHandler(handler)
                    return (channel, NIOLoopBound(handler, eventLoop: channel.eventLoop))
                }
            }
        } catch {
            throw .cannotConnect(path: path, reason: reason(of: error))
        }
    }

    private static func reason(of error: any Error) -> String {
        switch (error as? IOError)?.errnoCode {
        case ENOENT: "there is no socket; is annalsd running, and is this the path it was started with (--socket)?"
        case ECONNREFUSED: "nobody listens there; annalsd is not running (the file is left from before), or the file is no socket"
        case EACCES, EPERM: "this user may not use the socket; ask for the group that annalsd gives it to"
        case ENOTDIR: "a part of the path is no folder"
        case EAGAIN: "annalsd has more new connections waiting than it takes; try again"
        default: "\(error)"
        }
    }
}

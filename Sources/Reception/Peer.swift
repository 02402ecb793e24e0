import Glibc
import NIOCore

/// Who sits at the other end of a connection, as the kernel remembers it from the moment of connecting.
struct Peer: Sendable {
    let uid: UInt32

    /// What the socket option `SO_PEERCRED` gives: Linux's `struct ucred`, field by field.
    private struct Credentials: Sendable {
        var pid: Int32
        var uid: UInt32
        var gid: UInt32
    }

    static func of(_ channel: any Channel) -> EventLoopFuture<Peer> {
        guard let socket = channel as? any SocketOptionProvider else {
            return channel.eventLoop.makeFailedFuture(ListenerFailure.noCredentials)
        }
        let credentials: EventLoopFuture<Credentials> = socket.unsafeGetSocketOption(
            level: NIOBSDSocket.OptionLevel(rawValue: SOL_SOCKET), name: NIOBSDSocket.Option(rawValue: SO_PEERCRED))
        return credentials.map { Peer(uid: $0.uid) }
    }
}

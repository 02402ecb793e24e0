import Glibc

/// The socket's place in the file system: made with its permissions before anybody can connect, removed at the end.
struct SocketFile: Sendable {
    let path: String
    private let identity: Identity

    /// A file as the kernel knows it, whatever it is called.
    private struct Identity: Hashable, Sendable {
        var device: UInt64
        var number: UInt64
    }

    /// What the kernel's `sun_path` holds, its closing NUL among them.
    static let pathBytesMax = 108

    /// Makes the file and a bound socket. The caller owns the descriptor; nobody can connect before it listens.
    static func bind(path: String, mode: UInt32, group: UInt32?) throws(ListenerFailure) -> (file: SocketFile, descriptor: CInt) {
        let address = try address(of: path)
        try clear(path, address)
        let descriptor = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw .system("no socket could be made", errno) }
        do throws(ListenerFailure) {
            guard withAddress(address, { Glibc.bind(descriptor, $0, $1) }) == 0 else {
                throw .system("the socket \(path) could not be made", errno)
            }
            return (try secured(path, mode: mode, group: group), descriptor)
        } catch {
            close(descriptor)
            throw error
        }
    }

    /// Removes the file, unless somebody has put another in its place.
    func remove() {
        guard Self.identity(of: path)?.identity == identity else { return }
        unlink(path)
    }

    private static func secured(_ path: String, mode: UInt32, group: UInt32?) throws(ListenerFailure) -> SocketFile {
        do throws(ListenerFailure) {
            if let group, chown(path, .max, group) != 0 { throw .system("the socket \(path) could not be given to group \(group)", errno) }
            if chmod(path, mode) != 0 { throw .system("the socket \(path) could not be given its mode", errno) }
            guard let found = identity(of: path) else { throw .system("the socket \(path) cannot be looked at", errno) }
            return SocketFile(path: path, identity: found.identity)
        } catch {
            unlink(path)
            throw error
        }
    }

    /// Makes room: a socket that nobody listens at is left over from a daemon that was killed.
    private static func clear(_ path: String, _ address: sockaddr_un) throws(ListenerFailure) {
        guard let found = identity(of: path) else { return }
        guard found.isSocket else { throw .notASocket(path: path) }
        let descriptor = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue) | CInt(SOCK_NONBLOCK.rawValue), 0)
        guard descriptor >= 0 else { throw .system("no socket could be made", errno) }
        defer { close(descriptor) }
        let isAlive = withAddress(address) { connect(descriptor, $0, $1) } == 0
        let error = errno
        // EAGAIN: somebody listens, and has more connections waiting than he takes.
        if isAlive || error == EAGAIN { throw .inUse(path: path) }
        guard error == ECONNREFUSED else { throw .system("nobody can tell whether a daemon listens at \(path)", error) }
        guard unlink(path) == 0 || errno == ENOENT else { throw .system("the left-over socket \(path) cannot be removed", errno) }
    }

    private static func identity(of path: String) -> (identity: Identity, isSocket: Bool)? {
        var status = stat()
        guard lstat(path, &status) == 0 else { return nil }
        return (Identity(device: UInt64(status.st_dev), number: UInt64(status.st_ino)), status.st_mode & S_IFMT == S_IFSOCK)
    }

    private static func address(of path: String) throws(ListenerFailure) -> sockaddr_un {
        let bytes = Array(path.utf8)
        guard !bytes.isEmpty, !bytes.contains(0) else { throw .pathEmpty }
        guard bytes.count < pathBytesMax else { throw .pathTooLong(path: path, bytes: bytes.count) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        return address
    }

    private static func withAddress<Result>(_ address: sockaddr_un, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
        withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_un>.size)) }
        }
    }
}

/// Why the door could not be opened.
package enum ListenerFailure: Error, Hashable, Sendable {
    case pathEmpty
    case pathTooLong(path: String, bytes: Int)
    case notASocket(path: String)
    case inUse(path: String)
    case noCredentials
    case system(String, Int32)
}

extension ListenerFailure: CustomStringConvertible {
    package var description: String {
        switch self {
        case .pathEmpty: "the socket's path is empty; give one such as /run/annals/annals.sock"
        case .pathTooLong(let path, let bytes):
            "the socket's path has \(bytes) bytes, and the system takes at most \(SocketFile.pathBytesMax - 1): \(path)"
        case .notASocket(let path): "\(path) is there and is no socket; name another path, or move it away"
        case .inUse(let path): "a daemon listens at \(path) already; stop it first, or name another path"
        case .noCredentials: "the connection does not tell who is at its other end"
        case .system(let what, let number): "\(what): \(String(cString: strerror(number)))"
        }
    }
}

import Glibc

/// A client that sees every byte. Its calls block, with an end after ten minutes: others may have the cores for long: use it off Swift's own threads.
final class Caller {
    private let descriptor: CInt
    private var received: [UInt8] = []

    struct Lost: Error {}

    init(_ path: String) throws {
        descriptor = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let size = socklen_t(MemoryLayout<sockaddr_un>.size)
        let result = withUnsafePointer(to: address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, size) }
        }
        guard descriptor >= 0, result == 0 else { throw Lost() }
        var patience = timeval(tv_sec: 600, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit { close(descriptor) }

    /// Whether somebody takes connections.
    static func isAnswered(at path: String) -> Bool {
        do {
            _ = try Caller(path)
            return true
        } catch {
            return false
        }
    }

    func send(_ text: String) throws { try send(Array(text.utf8)) }

    func send(_ bytes: [UInt8]) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL)) }
            guard count > 0 else { throw Lost() }
            rest = rest.dropFirst(count)
        }
    }

    /// Sends what fits at once, and returns how much that was.
    func sendWithoutWaiting(_ bytes: [UInt8]) -> Int {
        let flags = CInt(MSG_NOSIGNAL) | CInt(MSG_DONTWAIT)
        return max(0, bytes.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, flags) })
    }

    func endInput() { shutdown(descriptor, CInt(SHUT_WR)) }

    /// The next line, without its end.
    func line() throws -> String {
        while true {
            if let end = received.firstIndex(of: UInt8(ascii: "\n")) {
                defer { received.removeFirst(end + 1) }
                return String(decoding: received[..<(end - 1)], as: UTF8.self)
            }
            guard try fetch() > 0 else { throw Lost() }
        }
    }

    func lines(_ count: Int) throws -> [String] {
        var lines: [String] = []
        while lines.count < count { lines.append(try line()) }
        return lines
    }

    /// Everything until the other side closes.
    func rest() throws -> String {
        while try fetch() > 0 {}
        defer { received = [] }
        return String(decoding: received, as: UTF8.self)
    }

    private func fetch() throws -> Int {
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        let count = recv(descriptor, &chunk, chunk.count, 0)
        // A connection that is closed with something unread says so once; what was sent before has arrived.
        if count < 0, errno == ECONNRESET { return 0 }
        guard count >= 0 else { throw Lost() }
        received += chunk[..<count]
        return count
    }
}

/// A command as bytes of the wire.
func frame(_ words: String...) -> String {
    words.reduce("*\(words.count)\r\n") { $0 + "$\($1.utf8.count)\r\n\($1)\r\n" }
}

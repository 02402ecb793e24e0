import Glibc

/// A file descriptor that text goes to, whole lines at a time.
package struct Output: Sendable {
    private let descriptor: Int32

    package static let standard = Output(descriptor: STDOUT_FILENO)
    package static let errors = Output(descriptor: STDERR_FILENO)

    /// What it leads to.
    package var surface: Surface { .of(descriptor: descriptor) }

    /// Writes all of the text.
    ///
    /// Throws a trouble without words when nobody reads any more (`annals events | head`): that is no error, only the end.
    package func write(_ text: String) throws(Trouble) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count >= 0 {
                rest = rest.dropFirst(count)
            } else if errno == EPIPE {
                throw Trouble(.done, "")
            } else if errno == EAGAIN {
                waitUntilWritable()
            } else if errno != EINTR {
                throw Trouble(.input, "the output cannot be written: \(String(cString: strerror(errno)).lowercased())")
            }
        }
    }

    /// Somebody else who has the same terminal or pipe may have made it non-blocking.
    private func waitUntilWritable() {
        var question = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        poll(&question, 1, -1)
    }
}

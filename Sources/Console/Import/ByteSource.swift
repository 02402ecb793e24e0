import Glibc

/// Where an import's bytes come from: a file, or standard input.
package struct ByteSource: ~Copyable {
    /// The file's size; nil for a pipe, where nobody knows it.
    package let size: Int64?
    /// How many bytes were read so far.
    package private(set) var consumed: Int64 = 0
    private let descriptor: Int32
    private let isOwned: Bool
    private let name: String

    /// Opens a file, or takes standard input for `-`.
    package init(path: String) throws(Trouble) {
        name = path == "-" ? "standard input" : path
        isOwned = path != "-"
        descriptor = isOwned ? open(path, O_RDONLY | O_CLOEXEC) : STDIN_FILENO
        guard descriptor >= 0 else { throw Self.trouble("cannot open", name) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw Self.trouble("cannot look at", name) }
        size = status.st_mode & S_IFMT == S_IFREG ? Int64(status.st_size) : nil
    }

    deinit {
        if isOwned { close(descriptor) }
    }

    /// Fills the buffer with what there is; 0 at the end. Ends early, with 0, once `isStopped` says so: a signal wakes a read that waits.
    package mutating func read(into buffer: UnsafeMutableRawBufferPointer, isStopped: () -> Bool = { false }) throws(Trouble) -> Int {
        while true {
            if isStopped() { return 0 }
            let count = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
            if count >= 0 {
                consumed += Int64(count)
                return count
            }
            guard errno == EINTR else { throw Self.trouble("cannot read", name) }
        }
    }

    /// Whether the path leads to this very file, by whatever name.
    package func isFile(at path: String) -> Bool {
        var own = stat()
        var other = stat()
        return fstat(descriptor, &own) == 0 && stat(path, &other) == 0 && own.st_dev == other.st_dev && own.st_ino == other.st_ino
    }

    /// Whether a read would have to wait for somebody to write.
    package var wouldWait: Bool {
        var question = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&question, 1, 0) == 0
    }

    private static func trouble(_ deed: String, _ name: String) -> Trouble {
        Trouble(.input, "\(deed) \(Harmless.line(Harmless.text(name))): \(String(cString: strerror(errno)).lowercased())")
    }
}

extension ByteSource {
    /// Everything of a file that is small enough to be kept whole.
    package static func all(of path: String, bytesMax: Int) throws(Trouble) -> [UInt8] {
        var source = try ByteSource(path: path)
        var bytes: [UInt8] = []
        while true {
            let chunk = try [UInt8](unsafeUninitializedCapacity: 64 << 10) { (room, count) throws(Trouble) in
                count = try source.read(into: UnsafeMutableRawBufferPointer(room))
            }
            if chunk.isEmpty { return bytes }
            bytes += chunk
            guard bytes.count <= bytesMax else {
                throw Trouble(
                    .input, "\(path == "-" ? "standard input" : path) is longer than \(Figures.bytes(bytesMax)); a message is not")
            }
        }
    }
}

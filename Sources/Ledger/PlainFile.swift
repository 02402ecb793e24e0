import Glibc

/// A descriptor of a regular file, closed when it goes out of scope.
struct PlainFile: ~Copyable {
    private let descriptor: CInt
    let path: String

    init(_ path: String, _ flags: CInt) throws(LedgerFailure) {
        descriptor = try Self.open(path, flags)
        self.path = path
    }

    /// Anything may lie under a name: a pipe is not waited for, and a link not followed.
    private static func open(_ path: String, _ flags: CInt) throws(LedgerFailure) -> CInt {
        let descriptor = Glibc.open(path, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0o600)
        guard descriptor >= 0 else { throw failure(path, "opened") }
        var found = stat()
        guard fstat(descriptor, &found) == 0, found.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            throw .folder(path: path, reason: "is no regular file; check who put it there")
        }
        return descriptor
    }

    deinit { close(descriptor) }

    func length() throws(LedgerFailure) -> Int {
        let end = lseek(descriptor, 0, SEEK_END)
        guard end >= 0 else { throw Self.failure(path, "measured") }
        return end
    }

    func read(at offset: Int, _ count: Int) throws(LedgerFailure) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var done = 0
        while done < count {
            let got = bytes.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress! + done, count - done, off_t(offset + done)) }
            if got == 0 { throw .folder(path: path, reason: "ends too early; restore it from a backup") }
            guard got > 0 || errno == EINTR else { throw Self.failure(path, "read") }
            done += max(got, 0)
        }
        return bytes
    }

    func append(_ bytes: [UInt8]) throws(LedgerFailure) {
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress! + done, bytes.count - done) }
            guard count > 0 || (count < 0 && errno == EINTR) else { throw Self.failure(path, "written") }
            done += max(count, 0)
        }
    }

    func sync() throws(LedgerFailure) {
        guard fsync(descriptor) == 0 else { throw Self.failure(path, "synced") }
    }

    private static func failure(_ path: String, _ what: String) -> LedgerFailure {
        .folder(path: path, reason: "cannot be \(what) (\(String(cString: strerror(errno)))); check the disk and whose file it is")
    }
}

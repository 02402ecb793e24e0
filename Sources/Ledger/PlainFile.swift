import Glibc

/// A descriptor that is closed when it goes out of scope.
struct PlainFile: ~Copyable {
    private let descriptor: CInt
    private let path: String

    init(_ path: String, _ flags: CInt) throws(LedgerFailure) {
        self.path = path
        descriptor = open(path, flags | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Self.failure(path, "opened") }
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
            guard got > 0 || (got < 0 && errno == EINTR) else { throw Self.failure(path, "read") }
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
        .folder(path: path, reason: "cannot be \(what) (error \(errno)); check the disk and whose file it is")
    }
}

import Glibc

/// A file descriptor that closes itself, and the few calls the journal makes on one.
///
/// Every call that may be interrupted is begun again; every other error is a
/// failure that names the file.
final class OpenFile {
    /// Changes when a segment is renamed; only failures read it.
    var path: String
    private let descriptor: CInt

    /// Never waits for the other end of a pipe.
    init(opening path: String, flags: CInt) throws(JournalFailure) {
        var descriptor: CInt
        repeat { descriptor = open(path, flags | O_CLOEXEC | O_NONBLOCK, 0o600) } while descriptor == -1 && errno == EINTR
        if descriptor == -1 { throw .last("open", path) }
        self.descriptor = descriptor
        self.path = path
    }

    /// Whatever had to be durable was synced before, so what close says changes nothing.
    deinit { close(descriptor) }

    func byteCount() throws(JournalFailure) -> Int {
        var status = stat()
        if fstat(descriptor, &status) == -1 { throw .last("fstat", path) }
        return Int(status.st_size)
    }

    /// Fills `bytes` from `offset` on. Returns how many there were before the file ended; the rest becomes zero.
    @discardableResult
    func read(into bytes: UnsafeMutableRawBufferPointer, at offset: Int) throws(JournalFailure) -> Int {
        var done = 0
        while done < bytes.count {
            let count = pread(descriptor, bytes.baseAddress.map { $0 + done }, bytes.count - done, offset + done)
            if count == -1, errno == EINTR { continue }
            if count == -1 { throw .last("read", path) }
            if count == 0 { break }
            done += count
        }
        UnsafeMutableRawBufferPointer(rebasing: bytes[done...]).initializeMemory(as: UInt8.self, repeating: 0)
        return done
    }

    /// Lends `count` bytes from `offset` on, zeros where the file has none.
    func withBytes<Result>(
        at offset: Int, count: Int, _ body: (UnsafeRawBufferPointer) throws(JournalFailure) -> Result
    ) throws(JournalFailure) -> Result {
        var buffer = RecordBuffer()
        return try buffer.withRaw(count) { (bytes) throws(JournalFailure) in
            try read(into: bytes, at: offset)
            return try body(UnsafeRawBufferPointer(bytes))
        }
    }

    static let writeCall = "write"

    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(JournalFailure) {
        var done = 0
        while done < bytes.count {
            let count = pwrite(descriptor, bytes.baseAddress.map { $0 + done }, bytes.count - done, offset + done)
            if count == -1, errno == EINTR { continue }
            if count == -1 { throw .last(Self.writeCall, path) }
            done += count
        }
    }

    func writeZeros(from start: Int, to end: Int) throws(JournalFailure) {
        var zeros = RecordBuffer()
        var offset = start
        while offset < end {
            let count = min(Self.zerosBytes, end - offset)
            try zeros.withRaw(count) { (bytes) throws(JournalFailure) in
                bytes.initializeMemory(as: UInt8.self, repeating: 0)
                try write(UnsafeRawBufferPointer(bytes), at: offset)
            }
            offset += count
        }
    }

    private static let zerosBytes = 256 * JournalOptions.pageBytes

    /// Makes the bytes durable, and of the metadata only what it takes to read them again.
    ///
    /// Never call it again after it failed: the kernel reports a lost page once,
    /// marks it clean, and the next call succeeds although nothing is on disk
    /// ("fsyncgate", PostgreSQL 2018). An interrupted call has reported nothing yet.
    func sync() throws(JournalFailure) {
        while fdatasync(descriptor) == -1 {
            if errno != EINTR { throw .last("fdatasync", path) }
        }
    }

    /// Makes bytes and metadata durable. What is said of `sync` is true of it too.
    func syncWhole() throws(JournalFailure) {
        while fsync(descriptor) == -1 {
            if errno != EINTR { throw .last("fsync", path) }
        }
    }

    /// Asks for blocks up front: in one piece where the disk has it, and refused at once where it is full.
    func allocate(_ byteCount: Int) throws(JournalFailure) {
        let code = posix_fallocate(descriptor, 0, byteCount)
        // Not every file system can; there the zeros that follow allocate.
        if [ENOSPC, EDQUOT, EFBIG].contains(code) { throw .system(call: "posix_fallocate", path: path, code: code) }
    }

    /// Lets go of cached pages, so that what is read next is what the disk has.
    func forgetCache() {
        // Advice: a kernel that does not take it reads its own pages, as it would have without.
        _ = posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED)
    }
}

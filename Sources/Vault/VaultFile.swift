import Glibc

/// A file descriptor that closes itself, and the few calls the vault makes on one.
@safe struct VaultFile: ~Copyable, Sendable {
    /// Changes when the file is renamed; only failures read it.
    var path: String
    private let descriptor: CInt

    /// Never follows a symbolic link in the last part of the path, and never waits for the other end of a pipe.
    init(opening path: String, _ flags: CInt, mode: mode_t = 0o600) throws(VaultFailure) {
        guard let file = try VaultFile(ifThere: path, flags, mode: mode) else { throw .system(call: "open", path: path, code: ENOENT) }
        self = file
    }

    /// Nil if there is no such file.
    init?(ifThere path: String, _ flags: CInt, mode: mode_t = 0o600) throws(VaultFailure) {
        var descriptor: CInt
        repeat {
            descriptor = unsafe open(path, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, mode)
        } while descriptor == -1 && errno == EINTR
        if descriptor == -1, errno == ENOENT { return nil }
        if descriptor == -1, errno == ELOOP {
            throw .refused(path: path, reason: "is a symbolic link, and a vault's files must not be; name the file itself")
        }
        if descriptor == -1 { throw .last("open", path) }
        self.descriptor = descriptor
        self.path = path
    }

    /// Whatever had to be durable was synced before, so what close says changes nothing.
    deinit { close(descriptor) }

    func status() throws(VaultFailure) -> stat {
        var status = stat()
        if unsafe fstat(descriptor, &status) == -1 { throw .last("fstat", path) }
        return status
    }

    /// Fills `bytes` from `offset` on, with read(2)'s kind of call straight into them: nothing buffers a key. Returns how many there were.
    func read(into bytes: UnsafeMutableRawBufferPointer, at offset: Int) throws(VaultFailure) -> Int {
        var done = 0
        while done < bytes.count {
            let count = unsafe pread(descriptor, bytes.baseAddress.map { unsafe $0 + done }, bytes.count - done, offset + done)
            if count == -1, errno == EINTR { continue }
            if count == -1 { throw .last("read", path) }
            if count == 0 { break }
            done += count
        }
        return done
    }

    /// For what is sealed, and may lie in any memory: so many bytes, or those that there are.
    func bytes(at offset: Int, countMax: Int) throws(VaultFailure) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: countMax)
        var count = 0
        try unsafe bytes.withUnsafeMutableBufferPointer { (bytes) throws(VaultFailure) in
            count = try unsafe read(into: UnsafeMutableRawBufferPointer(bytes), at: offset)
        }
        return Array(bytes[..<count])
    }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(VaultFailure) {
        var done = 0
        while done < bytes.count {
            let count = unsafe pwrite(descriptor, bytes.baseAddress.map { unsafe $0 + done }, bytes.count - done, offset + done)
            if count == -1, errno == EINTR { continue }
            if count == -1 { throw .last("write", path) }
            done += count
        }
    }

    /// For what is not secret.
    func write(_ bytes: ArraySlice<UInt8>, at offset: Int) throws(VaultFailure) {
        try unsafe bytes.withUnsafeBufferPointer { (bytes) throws(VaultFailure) in
            try unsafe write(UnsafeRawBufferPointer(bytes), at: offset)
        }
    }

    /// Makes the bytes durable. Not to be called again after it failed: the kernel reports a lost page once ("fsyncgate").
    func sync() throws(VaultFailure) {
        while fdatasync(descriptor) == -1 {
            if errno != EINTR { throw .last("fdatasync", path) }
        }
    }

    /// Makes bytes and metadata durable; of a folder, its names.
    func syncWhole() throws(VaultFailure) {
        while fsync(descriptor) == -1 {
            if errno != EINTR { throw .last("fsync", path) }
        }
    }

    /// Makes certain that what is read from here on is what the disk has: not what a killed process wrote and did not sync, nor pages that
    /// the kernel marked clean after a failed sync.
    func settle() throws(VaultFailure) {
        try syncWhole()
        // Advice: a kernel that does not take it reads its own pages, as it would have without.
        _ = posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED)
    }

    func truncate(to byteCount: Int) throws(VaultFailure) {
        while ftruncate(descriptor, byteCount) == -1 {
            if errno != EINTR { throw .last("ftruncate", path) }
        }
    }

    func allowWriting() throws(VaultFailure) {
        if fchmod(descriptor, 0o600) == -1 { throw .last("fchmod", path) }
    }
}

extension VaultFile {
    static func rename(_ old: String, _ new: String) throws(VaultFailure) {
        if unsafe Glibc.rename(old, new) == -1 { throw .last("rename", old) }
    }

    /// Makes the names in the folder of `path` durable.
    static func syncFolder(of path: String) throws(VaultFailure) { try syncFolder(folder(of: path)) }

    static func folder(of path: String) -> String {
        path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
    }

    /// A folder may be reached over a symbolic link, so its path ends in one that is none.
    static func syncFolder(_ folder: String) throws(VaultFailure) {
        try VaultFile(opening: folder + "/.", O_RDONLY | O_DIRECTORY).syncWhole()
    }

    /// Writes zeros over a whole file, durably. Where the disk remaps writes (SSDs, copy-on-write), the old bytes may outlive it:
    /// that is why shredding relies on a root key that can lie elsewhere. Does nothing if there is none.
    static func overwrite(_ path: String) throws(VaultFailure) {
        guard let reader = try VaultFile(ifThere: path, O_RDONLY) else { return }
        // A file of mode 0400 is not opened for writing even by its owner.
        if try reader.status().st_mode & 0o200 == 0 { try reader.allowWriting() }
        let writer = try VaultFile(opening: path, O_WRONLY)
        let zeros = [UInt8](repeating: 0, count: 1 << 16)
        let byteCount = try Int(reader.status().st_size)
        for offset in stride(from: 0, to: byteCount, by: zeros.count) {
            try writer.write(zeros[..<min(zeros.count, byteCount - offset)], at: offset)
        }
        try writer.sync()
    }

    static func remove(_ path: String) throws(VaultFailure) {
        if unsafe unlink(path) == -1, errno != ENOENT { throw .last("unlink", path) }
    }
}

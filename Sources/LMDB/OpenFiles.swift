import Glibc
import Synchronization

/// The LMDB files that this process has open.
///
/// lmdb.h: "Do not have open an LMDB database twice in the same process at the same time. Not even from
/// a plain open() call - close()ing it breaks fcntl() advisory locking." So a file is told by device and inode,
/// which no other name of it can hide, and it is claimed before any descriptor of it is opened.
enum OpenFiles {
    private static let claims = Mutex<[FileIdentity: ObjectIdentifier]>([:])

    /// Claims the file at `path`, making it first where the options say so, and checks that LMDB may have it.
    static func claim(_ path: String, options: Environment.Options) throws(LMDBError) -> FileClaim {
        try FileSystem.checkLocal(path)
        let claim = try claimOrCreate(path, options: options)
        try FileLength.check(claim.path, mustHaveContent: options.access != .create)
        return claim
    }

    /// Closes the file and gives its claim back, with nothing in between: the last descriptor of a file that was removed or
    /// replaced frees its inode, and the next file that this process makes may have the same one.
    ///
    /// What `closing` cannot close stays claimed for good.
    static func release(_ identity: FileIdentity, of mark: ClaimMark, closing: () -> Bool = { true }) {
        claims.withLock { claims in
            let isClosed = closing()
            if claims[identity] == ObjectIdentifier(mark) { claims[identity] = isClosed ? nil : ObjectIdentifier(everlasting) }
        }
    }

    private static let everlasting = ClaimMark()

    private static func claimOrCreate(_ path: String, options: Environment.Options) throws(LMDBError) -> FileClaim {
        // Under the lock, for two threads that open the same new file; two quick system calls.
        try claims.withLock { claims throws(LMDBError) in
            if options.access == .create { try create(path, mode: options.mode) }
            let status = try FileStatus(at: path)
            // Whoever opens a pipe waits for its other end, and a device may have no end.
            guard status.isRegular else { throw LMDBError(kind: .notRegular, operation: .open, path: path) }
            guard claims[status.identity] == nil else { throw LMDBError(kind: .alreadyOpen, operation: .open, path: path) }
            let mark = ClaimMark()
            claims[status.identity] = ObjectIdentifier(mark)
            // LMDB names the lock file after the data file: two links to one file would have two lock files.
            return FileClaim(identity: status.identity, mark: mark, path: FileSystem.resolved(path), isNew: status.byteCount == 0)
        }
    }

    /// Makes an empty file unless there is one. With O_EXCL, so that the descriptor is of no file that anybody has open.
    private static func create(_ path: String, mode: UInt32) throws(LMDBError) {
        let descriptor = unsafe open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, mode)
        guard descriptor >= 0 else {
            if errno == EEXIST { return }
            throw LMDBError(code: errno, operation: .open, path: path)
        }
        close(descriptor)
    }
}

/// Tells one claim of a file from the next one of the same inode, by being another object.
final class ClaimMark: Sendable {}

/// The right to open one file, given back when it goes.
struct FileClaim: ~Copyable, Sendable {
    let identity: FileIdentity
    fileprivate let mark: ClaimMark
    let path: String
    /// Whether nothing was ever written to it.
    let isNew: Bool

    /// Gives the right back together with what it was for; `deinit` then finds nothing to do.
    borrowing func release(closing: () -> Bool) { OpenFiles.release(identity, of: mark, closing: closing) }

    deinit { OpenFiles.release(identity, of: mark) }
}

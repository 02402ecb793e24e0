import Glibc

/// Keeps two processes from opening and replacing files of one folder at the same time, by `flock` on the folder itself.
///
/// LMDB calls a file's lock after the file. Whoever opens one between the moment at which an old lock was taken away and the moment at
/// which the new file has its place would make a lock that belongs to the old file, and leave it to the new one. So other processes hold
/// the door while they open, and the daemon while it replaces; both for as long as a few calls take.
struct FolderDoor: ~Copyable {
    private let descriptor: CInt

    /// For who opens a file. Waits for who replaces one.
    init(opening folder: String) throws(LedgerFailure) { try self.init(folder, LOCK_SH) }

    /// For who replaces a file. Waits for nobody, since appends may wait behind him: refused while somebody opens one.
    init(replacing folder: String) throws(LedgerFailure) { try self.init(folder, LOCK_EX | LOCK_NB) }

    private init(_ folder: String, _ kind: CInt) throws(LedgerFailure) {
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .folder(path: folder, reason: "cannot be opened (\(String(cString: strerror(errno))))") }
        guard Self.lock(descriptor, kind) else {
            close(descriptor)
            throw .folder(path: folder, reason: "is being read by another process; it is tried again")
        }
        self.descriptor = descriptor
    }

    private static func lock(_ descriptor: CInt, _ kind: CInt) -> Bool {
        while flock(descriptor, kind) != 0 {
            if errno != EINTR { return false }
        }
        return true
    }

    deinit { close(descriptor) }
}

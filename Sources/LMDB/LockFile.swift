import CLMDB
import Glibc

/// LMDB's lock beside a file: it maps it, and a page for which the disk has no block ends the process with SIGBUS when it is written to.
enum LockFile {
    /// A reader's slot, and what is before the first one (`MDB_reader`, `MDB_txninfo`), rounded up.
    private static let slotBytes = 64
    private static let headBytes = 4096
    private static let keepSize: CInt = 1  // FALLOC_FL_KEEP_SIZE of linux/falloc.h.

    /// Gives the lock its blocks, and leaves its length to LMDB, which takes it for the number of slots. The file must not be open: closing
    /// any descriptor of it lets go of the locks on it.
    static func reserve(of path: String, _ options: Environment.Options) throws(LMDBError) {
        let descriptor = unsafe open(path + "-lock", O_RDWR | O_CREAT | O_CLOEXEC, options.mode)
        // Whoever may not write there is told by LMDB.
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        while fallocate(descriptor, keepSize, 0, headBytes + slotBytes * options.readersMax) != 0 {
            switch errno {
            case EINTR: continue
            case ENOSPC, EDQUOT: throw LMDBError(code: errno, operation: .open, path: path)
            default: return  // A file system that does not know this.
            }
        }
    }
}

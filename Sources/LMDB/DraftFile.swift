import Glibc
import Synchronization

/// A new file in the making. LMDB writes its first pages where they will stay, without a sync: after a crash in between nobody could open it.
/// So it is made beside its place, with its tables, and gets its name when it is whole.
enum DraftFile {
    private static let door = Mutex(())

    /// Makes the file at `path`, unless there is one with something in it.
    static func make(_ path: String, tables names: [String], options: Environment.Options) throws(LMDBError) {
        let failure: LMDBError? = door.withLock { _ in
            do throws(LMDBError) {
                try makeAlone(path, names, options)
                return nil
            } catch { return error }
        }
        if let failure { throw failure }
    }

    private static func makeAlone(_ path: String, _ names: [String], _ options: Environment.Options) throws(LMDBError) {
        var found = stat()
        // What is no plain file is refused where it is opened.
        if unsafe stat(path, &found) == 0, found.st_size > 0 || found.st_mode & S_IFMT != S_IFREG { return }
        let draft = path + suffix
        try remove(draft)
        var environment: Environment? = try Environment(making: draft, tables: names, options: options)
        try environment?.sync()
        environment = nil
        try removeLock(draft)
        guard unsafe rename(draft, path) == 0 else { throw LMDBError(code: errno, operation: .open, path: path) }
        try FileSystem.syncFolder(of: path)
    }

    static let suffix = ".new"

    private static func remove(_ draft: String) throws(LMDBError) {
        try removeLock(draft)
        guard unsafe unlink(draft) == 0 || errno == ENOENT else { throw LMDBError(code: errno, operation: .open, path: draft) }
    }

    private static func removeLock(_ draft: String) throws(LMDBError) {
        guard unsafe unlink(draft + "-lock") == 0 || errno == ENOENT else { throw LMDBError(code: errno, operation: .open, path: draft) }
    }
}

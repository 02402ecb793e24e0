import CLMDB
import Glibc

extension Environment {
    /// How big a file is and who reads it.
    package struct Information: Equatable, Sendable {
        /// The size of a page.
        package let pageBytes: Int
        /// The number of the last page that was ever used; pages count from 0.
        package let lastPage: Int
        /// The size of the map, and so the limit of the file.
        package let mapBytes: Int
        /// How many transactions were ever committed.
        package let lastTransaction: Int
        /// How many reader slots there are.
        package let readersMax: Int
        /// How many reader slots have been in use at once since the file was opened. A high-water mark, as LMDB keeps it.
        package let readersUsed: Int
        /// The length of the file.
        package let fileBytes: Int
        /// What the file takes on disk.
        package let allocatedBytes: Int
        /// Which file of its device it is, whatever stands at its path by now.
        package let inode: UInt64
    }

    /// How big the file is and who reads it.
    package func information() throws(LMDBError) -> Information {
        var info = unsafe MDB_envinfo()
        var stat = MDB_stat()
        var descriptor: CInt = -1
        try unsafe check(mdb_env_info(handle.raw, &info), .inspect)
        try unsafe check(mdb_env_stat(handle.raw, &stat), .inspect)
        try unsafe check(mdb_env_get_fd(handle.raw, &descriptor), .inspect)
        let status = try FileStatus(of: descriptor, path: path)
        // Some of it comes from disk, and no damage there may trap, also where it is multiplied.
        return unsafe Information(
            pageBytes: Int(stat.ms_psize),
            lastPage: min(Int(clamping: info.me_last_pgno), Int(clamping: info.me_mapsize / Int(stat.ms_psize))),
            mapBytes: Int(truncatingIfNeeded: info.me_mapsize),
            lastTransaction: Int(truncatingIfNeeded: info.me_last_txnid),
            readersMax: Int(info.me_maxreaders),
            readersUsed: Int(info.me_numreaders),
            fileBytes: status.byteCount,
            allocatedBytes: status.allocatedBytes,
            inode: status.identity.inode)
    }

    /// Gives free the slots of readers whose process died, and says how many. They would keep LMDB from reusing pages.
    @discardableResult
    package func checkReaders() throws(LMDBError) -> Int {
        var dead: CInt = 0
        try unsafe check(mdb_reader_check(handle.raw, &dead), .inspect)
        return Int(dead)
    }

    /// Returns when all that was committed is on the disk.
    package func sync() throws(LMDBError) { try unsafe check(mdb_env_sync(handle.raw, 1), .commit) }

    /// Lets the system begin to write what was committed, and does not wait for it. So that `sync` has little to do when it comes: it holds up
    /// everybody else's.
    package func beginWritingBack() throws(LMDBError) {
        var descriptor: CInt = -1
        try unsafe check(mdb_env_get_fd(handle.raw, &descriptor), .inspect)
        // It is about speed alone: where a file system knows nothing of it, nothing is lost.
        _ = sync_file_range(descriptor, 0, 0, 0x02)  // SYNC_FILE_RANGE_WRITE
    }

    /// Writes a copy without free pages to `copyPath`, where no file may be, and syncs it.
    ///
    /// The copy is one moment of the file; a file that was only half copied is removed again.
    @available(*, noasync, message: "a copy holds a snapshot and waits for the disk: make it in a synchronous function")
    package func copyCompact(to copyPath: String) throws(LMDBError) {
        let descriptor = unsafe open(copyPath, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw LMDBError(code: errno, operation: .copy, path: copyPath) }
        do throws(LMDBError) {
            defer { close(descriptor) }
            try unsafe check(mdb_env_copyfd2(handle.raw, descriptor, CUnsignedInt(MDB_CP_COMPACT)), .copy)
            // LMDB does not sync copies.
            guard fsync(descriptor) == 0 else { throw LMDBError(code: errno, operation: .copy, path: copyPath) }
        } catch {
            unsafe unlink(copyPath)
            throw error
        }
        try FileSystem.syncFolder(of: copyPath)
    }

    private func check(_ code: CInt, _ operation: LMDBError.Operation) throws(LMDBError) {
        try LMDBError.check(code, operation, path: path)
    }
}

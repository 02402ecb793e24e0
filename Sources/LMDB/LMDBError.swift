import CLMDB
import Glibc

/// What LMDB, or a check of ours before it, said: what was being done, to which file, and why it failed.
///
/// A failure, never a bug: the caller switches on `kind`, and shows `description` to people.
package struct LMDBError: Error, Equatable, Sendable {
    /// Why it failed.
    package let kind: Kind
    /// What was being done.
    package let operation: Operation
    /// The file that it was done to.
    package let path: String

    /// Why an operation failed.
    package enum Kind: Equatable, Sendable {
        /// The key has a value already. The transaction is still good.
        case keyExists
        /// `append` was given a key that is not greater than the table's last. The transaction is still good.
        case notAscending
        /// A key is not 1 to 511 bytes long, or a value not below 4 GiB. The transaction is still good.
        case badSize
        /// The map has no room left (`Options.mapBytes`).
        case mapFull
        /// Every reader slot is taken (`Options.readersMax`), and none by a dead process.
        case readersFull
        /// The transaction changed more pages than LMDB can remember.
        case transactionFull
        /// An earlier step of this transaction failed; nothing but giving it up is left.
        case spoiled
        /// What lies there is no regular file, but a folder, a pipe, a socket or a device.
        case notRegular
        /// This process has the file open already.
        case alreadyOpen
        /// The file lies on a file system (number of `statfs`) on which locks or maps cannot be relied on.
        case remoteFileSystem(UInt32)
        /// The process was forked after the file was opened.
        case forked
        /// The file has no such table and could not be given it.
        case missingTable(String)
        /// What is on disk is not what LMDB wrote.
        case damaged(Damage)
        /// The disk is full.
        case noSpace
        /// The system said no, with this `errno`.
        case system(CInt)
        /// LMDB said no, with this number of its own.
        case other(CInt)
    }

    /// What is wrong with the bytes on disk.
    package enum Damage: Equatable, Sendable {
        /// The file is not an LMDB file of this version, or a page in it is not what it should be; LMDB's number.
        case unreadable(CInt)
        /// The file ends before this page, which its meta page counts as used.
        case endsBefore(page: UInt64)
        /// A page is not what the pages that lead to it want it to be.
        case page(PageCheck.Fault)
        /// The table was made with flags that Annals never uses, so its order is not ours.
        case foreignTable(String)
    }

    /// What can be done to a file.
    package enum Operation: String, Sendable {
        case open, copy, inspect
        case takeSnapshot = "take a snapshot of"
        case beginWriting = "begin writing to"
        case read = "read"
        case insert = "insert into"
        case put = "put into"
        case append = "append to"
        case delete = "delete from"
        case clear = "clear a table of"
        case commit = "commit to"
    }
}

extension LMDBError {
    /// Says of a file which of its pages is damaged.
    package init(_ fault: PageCheck.Fault, in path: String) { self.init(kind: .damaged(.page(fault)), operation: .open, path: path) }

    /// Translates LMDB's number (positive: an `errno`).
    init(code: CInt, operation: Operation, path: String) {
        // LMDB says EIO when the system wrote only a part, which is what a disk does that just became full.
        let code = code == EIO && FileSystem.isFull(at: path) ? ENOSPC : code
        self.init(kind: Kind(code: code, operation: operation), operation: operation, path: path)
    }

    /// Gives back normally when `code` is success.
    static func check(_ code: CInt, _ operation: Operation, path: String) throws(LMDBError) {
        if code != MDB_SUCCESS { throw LMDBError(code: code, operation: operation, path: path) }
    }

    /// The error for `code`, with the path looked up: away from the paths that succeed.
    @usableFromInline @inline(never)
    static func failure(_ code: CInt, _ operation: Operation, in transaction: OpaquePointer) -> LMDBError {
        var path: UnsafePointer<CChar>?
        let found = unsafe mdb_env_get_path(mdb_txn_env(transaction), &path)
        let name = if found == MDB_SUCCESS, let path = unsafe path { unsafe String(cString: path) } else { "?" }
        return LMDBError(code: code, operation: operation, path: name)
    }
}

extension LMDBError.Kind {
    fileprivate init(code: CInt, operation: LMDBError.Operation) {
        switch code {
        // The same number for two things: only the caller's wish tells them apart.
        case MDB_KEYEXIST: self = operation == .append ? .notAscending : .keyExists
        case MDB_BAD_VALSIZE: self = .badSize
        case MDB_MAP_FULL: self = .mapFull
        case MDB_READERS_FULL: self = .readersFull
        case MDB_TXN_FULL: self = .transactionFull
        case MDB_BAD_TXN: self = .spoiled
        // Not a trap: bytes on disk can bring these, and nothing read from disk may end the process.
        case MDB_PAGE_NOTFOUND, MDB_CORRUPTED, MDB_INVALID, MDB_VERSION_MISMATCH, MDB_INCOMPATIBLE,
            MDB_CURSOR_FULL, MDB_PAGE_FULL, MDB_MAP_RESIZED:
            self = .damaged(.unreadable(code))
        case ENOSPC, EDQUOT: self = .noSpace
        case 1...: self = .system(code)
        default: self = .other(code)
        }
    }
}

extension LMDBError: CustomStringConvertible {
    /// One sentence for people: what, which file, why, and LMDB's own number and words where it has any.
    package var description: String { "cannot \(operation.rawValue) \(path): \(reason)" }

    private var reason: String {
        switch kind {
        case .keyExists: Self.words("the key is there already", MDB_KEYEXIST)
        case .notAscending: Self.words("the key is not greater than the table's last one", MDB_KEYEXIST)
        case .badSize: Self.words("a key is 1 to 511 bytes long, a value below 4 GiB", MDB_BAD_VALSIZE)
        case .mapFull: Self.words("the map has no room left", MDB_MAP_FULL)
        case .readersFull: Self.words("every reader slot is taken", MDB_READERS_FULL)
        case .transactionFull: Self.words("one transaction cannot change that many pages", MDB_TXN_FULL)
        case .spoiled: Self.words("an earlier step of this transaction failed", MDB_BAD_TXN)
        case .notRegular: "it is no regular file; check who put it there"
        case .alreadyOpen: "this process has it open already, and closing one of two would drop the other's locks"
        case .remoteFileSystem(let type):
            "it lies on a network or user-space file system (type 0x\(String(type, radix: 16))), where locks and maps cannot be relied on"
        case .forked: "the process was forked after it was opened"
        case .missingTable(let name): Self.words("it has no table \"\(name)\"", MDB_NOTFOUND)
        case .damaged(.unreadable(let code)): Self.words("it is damaged, or not a file of ours", code)
        case .damaged(.page(let fault)): "it is damaged: \(fault)"
        case .damaged(.endsBefore(let page)): "it is damaged: it ends before page \(page), which its meta page counts as used"
        case .damaged(.foreignTable(let name)): "its table \"\(name)\" is sorted in a way that Annals never uses"
        case .noSpace: Self.words("the disk is full", ENOSPC)
        case .system(let number), .other(let number): Self.words("the system or LMDB refused", number)
        }
    }

    private static func words(_ ours: String, _ code: CInt) -> String {
        guard let theirs = unsafe mdb_strerror(code) else { return "\(ours) (\(code))" }
        return unsafe "\(ours) (\(code): \(String(cString: theirs)))"
    }
}

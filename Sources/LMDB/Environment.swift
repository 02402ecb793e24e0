import CLMDB
import Glibc
import Synchronization

/// One LMDB file, open. A process opens it once, and its tables with it.
///
/// The rules of `lmdb.h` ("Caveats") that a type cannot hold are checked when it opens: see `OpenFiles`,
/// `FileSystem` and `FileLength`. The inside of the trees is checked before a file is written to for the first time (`SoundFiles`), and
/// of files that nobody writes when they are opened. Where a read comes to a page that makes no sense, it fails (`CLMDBGuard`).
/// `MDB_NOTLS` always; `MDB_NOSYNC` only for files that are thrown away after a crash of the system (`Options.isSynced`); never
/// `MDB_WRITEMAP`, `MDB_NOMETASYNC` or `MDB_NOMEMINIT`.
@safe package final class Environment: Sendable {
    /// The file, as it is really called: symbolic links resolved.
    package let path: String

    let handle: EnvironmentHandle
    let number: EnvironmentNumber
    private let tables: [String: Table]
    let process = getpid()
    /// The thread that has the write transaction, as its `pthread_t`; 0 for none.
    private let writer = Atomic<UInt>(0)
    /// Whether the file's pages are known to make trees: LMDB would write over whatever a damaged one calls free.
    private let isSound: Atomic<Bool>
    private let isWritten = Atomic(false)

    /// How a file is opened.
    package struct Options: Sendable {
        /// What may be done with the file.
        package var access = Access.create
        /// The size of the map, and so the limit of the file. Address space only: the file grows as it is filled.
        package var mapBytes = 64 << 30
        /// How many snapshots may be open at once.
        package var readersMax = 126
        /// The permissions of the files that are made.
        package var mode: UInt32 = 0o600
        /// Whether a commit waits for the disk. Otherwise `sync` does, and behind a crash of the system that came before it the file may be
        /// anything: only for what is thrown away then.
        package var isSynced = true
        fileprivate var arePagesChecked = false

        /// The defaults.
        package init() {}

        /// The defaults but for what is given.
        package init(_ access: Access, mapBytes: Int = 64 << 30, readersMax: Int = 126) {
            self.access = access
            self.mapBytes = mapBytes
            self.readersMax = readersMax
        }

        /// Looks at the pages of a frozen file beforehand: whoever opens one file after the other may look at several at once. What is wrong is
        /// told by the opening, which looks once more.
        package mutating func checkPages(of path: String) {
            guard access == .readFrozen else { return }
            do { arePagesChecked = try PageCheck.fault(in: path) == nil } catch { arePagesChecked = false }
        }
    }

    /// What may be done with a file.
    package enum Access: Sendable {
        /// Read and write; the file and its tables are made where they are missing.
        case create
        /// Read and write a file that is there, with tables that are there.
        case write
        /// Read only. Others may be writing, so a lock file is kept beside it.
        case read
        /// Read only a file that nobody writes: a copy, a backup, a read-only medium. Touches nothing beside it. Looks at all pages first
        /// (`PageCheck`), since such a file may have come from anywhere.
        case readFrozen
    }

    /// Opens the file at `path` and the tables in it that are called `names`.
    ///
    /// Throws what `LMDBError.Kind` lists: among others `.alreadyOpen`, `.remoteFileSystem`, `.damaged`, `.missingTable`.
    package init(opening path: String, tables names: [String], options: Options = Options()) throws(LMDBError) {
        let claim = try OpenFiles.claim(path, options: options)
        self.path = claim.path
        if options.access == .readFrozen, !options.arePagesChecked, let fault = try PageCheck.fault(in: claim.path) {
            throw LMDBError(kind: .damaged(.page(fault)), operation: .open, path: claim.path)
        }
        isSound = Atomic(claim.isNew)
        handle = try EnvironmentHandle.open(claim, tables: names.count, options: options)
        number = EnvironmentNumber.next()
        tables = try handle.openTables(names, creating: options.access == .create, as: number)
        if handle.claim.isNew { try FileSystem.syncFolder(of: self.path) }
        if options.access != .readFrozen { _ = try checkReaders() }
        if SoundFiles.knows(try FileStatus(of: descriptor(), path: path)) { isSound.store(true, ordering: .relaxed) }
    }

    deinit {
        guard getpid() == process, isSound.load(ordering: .relaxed) else { return }
        // Where the system does not say, the file is looked at once more.
        do { SoundFiles.note(try FileStatus(of: descriptor(), path: path)) } catch { return }
    }

    /// Makes the file at `path` with its tables, unless there is one.
    ///
    /// Under the name `draft` first, so that it is there whole or not at all: of a file that a crash tore while it was made nobody could say
    /// whether anything had been in it, and LMDB opens none without its first pages.
    package static func make(_ path: String, by draft: String, tables names: [String], options: Options) throws(LMDBError) {
        guard unsafe access(path, F_OK) != 0 else { return }
        for leftover in [draft, draft + "-lock"] { try FileSystem.remove(leftover) }
        _ = try Environment(opening: draft, tables: names, options: options)
        try FileSystem.remove(draft + "-lock")
        // Of a file that had this name.
        if unsafe access(PageSums.path(of: path), F_OK) == 0 { try PageSums.remove(beside: path) }
        guard unsafe rename(draft, path) == 0 else { throw LMDBError(code: errno, operation: .open, path: path) }
        try FileSystem.syncFolder(of: path)
    }

    /// The table that was opened as `name`.
    package func table(named name: String) -> Table {
        guard let table = tables[name] else { preconditionFailure("because tables are opened with their file, and not \"\(name)\"") }
        return table
    }

    /// Whether a table was opened as `name`.
    package func hasTable(named name: String) -> Bool { tables[name] != nil }

    /// The names of the tables that are in the file and were not opened.
    package func unopenedTables() throws(LMDBError) -> [String] {
        try snapshot().tableNames().filter { tables[$0] == nil }
    }

    /// A view of the file that does not move while others write.
    ///
    /// It borrows the environment. A class that keeps one says `let environment = environment` first, or uses `read`:
    /// the property of a class cannot be borrowed for that long (and if it is a `var`, Swift 6.3.1's compiler crashes).
    /// Throws `.readersFull`, `.forked`, `.damaged`.
    @available(*, noasync, message: "LMDB cannot reuse a page while a snapshot is open: take it in a synchronous function")
    @_lifetime(borrow self)
    package func snapshot() throws(LMDBError) -> Snapshot {
        try Snapshot(of: self)
    }

    /// The transaction in which the file changes. Waits for the one before it.
    ///
    /// It borrows the environment, as `snapshot` does.
    /// Throws `.forked`, `.system(EACCES)` when the file was opened for reading; its first change `.damaged`.
    @available(*, noasync, message: "a write transaction lives and dies on one thread: begin it in a synchronous function")
    @_lifetime(borrow self)
    package func beginWriting() throws(LMDBError) -> WriteTransaction {
        try WriteTransaction(on: self)
    }
}

extension Environment {
    /// Begins a transaction of LMDB's. Clears away the slots of dead readers before it says that there are none.
    func beginTransaction(_ operation: LMDBError.Operation, flags: CInt) throws(LMDBError) -> OpaquePointer {
        guard getpid() == process else { throw LMDBError(kind: .forked, operation: operation, path: path) }
        var transaction: OpaquePointer?
        var code = unsafe guarded_begin(handle.raw, CUnsignedInt(flags), &transaction)
        if code == MDB_READERS_FULL, try checkReaders() > 0 {
            code = unsafe guarded_begin(handle.raw, CUnsignedInt(flags), &transaction)
        }
        guard code == MDB_SUCCESS, let transaction = unsafe transaction else {
            throw LMDBError(code: code, operation: operation, path: path)
        }
        return unsafe transaction
    }

    func checkNoWriterOnThisThread() {
        precondition(
            writer.load(ordering: .relaxed) != pthread_self(),
            "because a second write transaction on a thread would wait for the first for ever")
    }

    func noteWriter() { writer.store(pthread_self(), ordering: .relaxed) }

    // Before LMDB lets go of its lock: afterwards the name could be the next writer's.
    func forgetWriter() { writer.store(0, ordering: .relaxed) }
}

extension Environment {
    /// Whether a damaged page made it leave a change in its midst: then it can be read, and is never closed.
    package var isLeft: Bool { unsafe guarded_is_left(handle.raw) != 0 }

    /// Compares the file with the sums beside it, while nobody can write to it.
    @available(*, noasync, message: "holds a write transaction: call it in a synchronous function")
    package func compareWithSums() throws(LMDBError) -> PageSums.Verdict {
        let transaction = try WriteTransaction(on: self)
        let verdict = try hasItsName() ? PageSums.verdict(on: path) : .unknown
        _ = consume transaction
        return verdict
    }

    /// Lays sums of the file's pages beside it, unless there are some that fit. Reads all of it, while nobody can write to it.
    @available(*, noasync, message: "holds a write transaction: call it in a synchronous function")
    package func sumPages() throws(LMDBError) {
        if try PageSums.fit(path) { return }
        let transaction = try beginWriting()
        guard try hasItsName() else { return }
        // What does not fit may be damage itself.
        if let damage = try PageSums.verdict(on: path).error(in: path) { throw damage }
        // Looks at the pages before: what is summed up counts as sound from then on.
        try prepareForChanges()
        // Of a commit in which the process before this one was killed, the system may have a page that the disk has not.
        guard fdatasync(try descriptor()) == 0 else { throw LMDBError(code: errno, operation: .inspect, path: path) }
        // Before they are there: also those go with the next change of which the system says that they could not be laid, and they were.
        isWritten.store(false, ordering: .relaxed)
        try PageSums(of: path).write(beside: path)
        _ = consume transaction
    }

    /// False where another file has it by now. That one has another lock, so who has this one's write transaction keeps nobody off it.
    private func hasItsName() throws(LMDBError) -> Bool {
        guard unsafe access(path, F_OK) == 0 else { return false }
        return try FileStatus(at: path).identity == FileStatus(of: descriptor(), path: path).identity
    }

    /// Before the first change: the pages are looked at, and sums of what was there until now go.
    func prepareForChanges() throws(LMDBError) {
        if isWritten.load(ordering: .relaxed) { return }
        if !isSound.load(ordering: .relaxed) {
            try checkPages()
            isSound.store(true, ordering: .relaxed)
        }
        try PageSums.remove(beside: path)
        isWritten.store(true, ordering: .relaxed)
    }

    /// Compares them with their sums, which says more and takes less time, where there are some that fit.
    private func checkPages() throws(LMDBError) {
        let verdict = try PageSums.verdict(on: path)
        if let damage = verdict.error(in: path) { throw damage }
        if verdict == .sound { return }
        if let fault = try PageCheck.fault(of: PageFile(borrowing: try descriptor(), path: path)) {
            throw LMDBError(kind: .damaged(.page(fault)), operation: .beginWriting, path: path)
        }
    }

    private func descriptor() throws(LMDBError) -> CInt {
        var descriptor: CInt = -1
        try unsafe LMDBError.check(mdb_env_get_fd(handle.raw, &descriptor), .inspect, path: path)
        return descriptor
    }
}

/// The files that this process knows to be sound, and as of when: so a partition that is closed and opened again and again, as an
/// import may want it, is looked at once.
enum SoundFiles {
    private static let known = Mutex<[FileIdentity: [Int]]>([:])

    static func note(_ status: FileStatus) { known.withLock { $0[status.identity] = status.modified + [status.byteCount] } }

    static func knows(_ status: FileStatus) -> Bool {
        known.withLock { $0[status.identity] == status.modified + [status.byteCount] }
    }
}

extension EnvironmentNumber {
    private static let last = Atomic<UInt64>(0)

    static func next() -> EnvironmentNumber {
        EnvironmentNumber(last.add(1, ordering: .relaxed).newValue)
    }
}

import CLMDB
import Glibc

/// LMDB's own handle of an open file, with the claim that nobody else of this process opens it.
@safe struct EnvironmentHandle: ~Copyable, Sendable {
    // LMDB guards an environment itself: lmdb.h asks for one thread for transactions and for closing only,
    // and it is closed when nothing refers to it any more.
    nonisolated(unsafe) let raw: OpaquePointer
    let claim: FileClaim
    private let process = getpid()

    private init(_ raw: OpaquePointer, _ claim: consuming FileClaim) {
        unsafe self.raw = raw
        self.claim = claim
    }

    static func open(
        _ claim: consuming FileClaim, tables: Int, options: Environment.Options
    ) throws(LMDBError) -> EnvironmentHandle {
        let raw = unsafe try create(claim.path)
        // From here on an error closes the handle in `deinit`, as LMDB asks after a failed open too.
        let handle = unsafe EnvironmentHandle(raw, claim)
        try handle.open(tables: tables, options: options)
        return handle
    }

    private borrowing func open(tables: Int, options: Environment.Options) throws(LMDBError) {
        try unsafe check(mdb_env_set_mapsize(raw, options.mapBytes))
        try unsafe check(mdb_env_set_maxreaders(raw, CUnsignedInt(clamping: options.readersMax)))
        try unsafe check(mdb_env_set_maxdbs(raw, MDB_dbi(clamping: max(1, tables))))
        if options.access == .create || options.access == .write { try LockFile.reserve(of: claim.path, options) }
        try check(LargeBlocks.areFresh { unsafe guarded_open(raw, claim.path, options.flags, options.mode) })
        try checkStillClaimed()
    }

    deinit {
        // A child must not touch what it inherited: the locks and the map are its parent's.
        if getpid() == process { claim.release { unsafe guarded_close(raw) != 0 } }
    }

    private static func create(_ path: String) throws(LMDBError) -> OpaquePointer {
        var created: OpaquePointer?
        let code = unsafe mdb_env_create(&created)
        guard code == MDB_SUCCESS, let raw = unsafe created else { throw LMDBError(code: code, operation: .open, path: path) }
        return unsafe raw
    }

    /// Opens the tables in one transaction, so that they are there together or not at all.
    borrowing func openTables(
        _ names: [String], creating: Bool, as number: EnvironmentNumber
    ) throws(LMDBError) -> [String: Table] {
        guard creating, !claim.isNew else { return try open(names, creating: creating, as: number) }
        do throws(LMDBError) { return try open(names, creating: false, as: number) } catch {
            guard case .missingTable(let name) = error.kind else { throw error }
            // An older version had fewer. But a table whose name was damaged must not be taken for one that is to be made.
            try checkNoStranger(among: names, missing: name)
        }
        try PageSums.remove(beside: claim.path)
        return try open(names, creating: true, as: number)
    }

    private borrowing func open(
        _ names: [String], creating: Bool, as number: EnvironmentNumber
    ) throws(LMDBError) -> [String: Table] {
        var begun: OpaquePointer?
        try unsafe check(guarded_begin(raw, CUnsignedInt(creating ? 0 : MDB_RDONLY), &begun))
        guard let transaction = unsafe begun else { return [:] }
        var tables: [String: Table] = [:]
        do throws(LMDBError) {
            for name in names { tables[name] = try unsafe openTable(name, creating: creating, in: transaction, as: number) }
        } catch {
            unsafe guarded_abort(transaction)
            throw error
        }
        try unsafe check(guarded_commit(transaction))  // A reading one too: aborted, it would close the tables again.
        return tables
    }

    private borrowing func checkNoStranger(among names: [String], missing: String) throws(LMDBError) {
        var descriptor: CInt = -1
        try unsafe check(mdb_env_get_fd(raw, &descriptor))
        if let fault = try PageCheck.fault(of: PageFile(borrowing: descriptor, path: claim.path)) {
            throw LMDBError(kind: .damaged(.page(fault)), operation: .open, path: claim.path)
        }
        var begun: OpaquePointer?
        try unsafe check(guarded_begin(raw, CUnsignedInt(MDB_RDONLY), &begun))
        guard let transaction = unsafe begun else { return }
        defer { unsafe guarded_abort(transaction) }
        var opened: OpaquePointer?
        try unsafe check(guarded_cursor_open(transaction, 1, &opened))
        guard let handle = unsafe opened else { return }
        var cursor = unsafe Cursor(handle)
        while try cursor.next() {
            let name = unsafe cursor.key.withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) }
            guard names.contains(name) else { throw LMDBError(kind: .missingTable(missing), operation: .open, path: claim.path) }
        }
    }

    private borrowing func openTable(
        _ name: String, creating: Bool, in transaction: OpaquePointer, as number: EnvironmentNumber
    ) throws(LMDBError) -> Table {
        var dbi = MDB_dbi()
        let code = unsafe guarded_open_table(transaction, name, CUnsignedInt(creating ? MDB_CREATE : 0), &dbi)
        if code == MDB_NOTFOUND { throw LMDBError(kind: .missingTable(name), operation: .open, path: claim.path) }
        try check(code)
        var flags = CUnsignedInt()
        try unsafe check(mdb_dbi_flags(transaction, dbi, &flags))
        guard flags == 0 else { throw LMDBError(kind: .damaged(.foreignTable(name)), operation: .open, path: claim.path) }
        return Table(dbi: dbi, environment: number)
    }

    /// Somebody may have renamed another file into the path between our check and LMDB's open.
    private borrowing func checkStillClaimed() throws(LMDBError) {
        var descriptor: CInt = -1
        try unsafe check(mdb_env_get_fd(raw, &descriptor))
        let status = try FileStatus(of: descriptor, path: claim.path)
        guard status.identity == claim.identity else {
            throw LMDBError(kind: .system(ESTALE), operation: .open, path: claim.path)
        }
    }

    private borrowing func check(_ code: CInt) throws(LMDBError) {
        try LMDBError.check(code, .open, path: claim.path)
    }
}

extension Environment.Options {
    fileprivate var flags: CUnsignedInt {
        let always = MDB_NOSUBDIR | MDB_NOTLS
        return switch access {
        case .create, .write: CUnsignedInt(isSynced ? always : always | MDB_NOSYNC)
        case .read: CUnsignedInt(always | MDB_RDONLY)
        case .readFrozen: CUnsignedInt(always | MDB_RDONLY | MDB_NOLOCK)
        }
    }
}

import CLMDB

/// The transaction in which the file changes. Commit it, or it never was.
///
/// Whatever it lends (bytes, cursors, readers) is good until its next change: a change while
/// one of them is in use does not compile. After an error other than those that say "the transaction
/// is still good", every further step throws `.spoiled`.
@safe package struct WriteTransaction: ~Copyable, ~Escapable, Readable {
    @usableFromInline let handle: OpaquePointer
    // Unmanaged, because `discard` wants plain bits; retained, because the borrow alone does not keep it alive (see `Snapshot`).
    private let environment: Unmanaged<Environment>
    @usableFromInline let number: EnvironmentNumber

    @_lifetime(borrow environment)
    init(on environment: borrowing Environment) throws(LMDBError) {
        environment.checkNoWriterOnThisThread()
        unsafe handle = try environment.beginTransaction(.beginWriting, flags: 0)
        unsafe self.environment = Unmanaged.passRetained(copy environment)
        number = environment.number
        environment.noteWriter()
    }

    deinit {
        unsafe environment._withUnsafeGuaranteedRef { $0.forgetWriter() }
        unsafe guarded_abort(handle)
        unsafe environment.release()
    }

    /// Makes all of it durable, or none of it.
    ///
    /// Returns when the file is synced. Throws `.noSpace`, `.mapFull` or `.system`, and then the file is as it was before.
    package consuming func commit() throws(LMDBError) {
        let handle = unsafe self.handle
        let environment = unsafe self.environment
        discard self  // LMDB frees the handle even when the commit fails.
        let keeper = unsafe environment.takeRetainedValue()
        keeper.forgetWriter()
        let code = unsafe guarded_commit(handle)
        guard code == MDB_SUCCESS else { throw LMDBError(code: code, operation: .commit, path: keeper.path) }
    }

    /// The view to hand to functions that only read.
    package var reader: Reader {
        @_lifetime(borrow self) borrowing get {
            unsafe Reader(transaction: handle, environment: number)
        }
    }

    /// Adds a new entry. Throws `.keyExists` rather than overwrite: the log only grows.
    @inlinable
    package mutating func insert(_ value: RawSpan, for key: RawSpan, in table: Table) throws(LMDBError) {
        try store(value, for: key, in: table, flags: MDB_NOOVERWRITE, .insert)
    }

    /// Sets the value of `key`, whether it had one or not.
    @inlinable
    package mutating func put(_ value: RawSpan, for key: RawSpan, in table: Table) throws(LMDBError) {
        try store(value, for: key, in: table, flags: 0, .put)
    }

    /// Adds an entry after the table's last: fills pages to the brim, where ordered inserts leave them half empty.
    ///
    /// Throws `.notAscending` when `key` is not greater than all keys of the table.
    @inlinable
    package mutating func append(_ value: RawSpan, for key: RawSpan, in table: Table) throws(LMDBError) {
        try store(value, for: key, in: table, flags: MDB_APPEND, .append)
    }

    /// Makes room for a value of `byteCount` bytes under `key` and lets `body` write it in place.
    ///
    /// The room is zeros when `body` gets it, so what it leaves out is zero, and no page of the heap ever reaches the disk.
    @inlinable
    package mutating func reserve(
        _ byteCount: Int, for key: RawSpan, in table: Table, as mode: StoreMode = .put,
        filling body: (inout MutableRawSpan) -> Void
    ) throws(LMDBError) {
        let room = unsafe try makeRoom(byteCount, for: key, in: table, as: mode)
        var span = unsafe MutableRawSpan(_unsafeBytes: room)
        body(&span)
    }

    /// What a store does about keys that are there.
    package enum StoreMode: Sendable {
        /// As `insert`: the key must be new.
        case insert
        /// As `put`: whatever was there is replaced.
        case put
        /// As `append`: the key must be greater than all others.
        case append
    }

    /// Removes the entry of `key`, and says whether there was one.
    @inlinable
    package mutating func delete(_ key: RawSpan, in table: Table) throws(LMDBError) -> Bool {
        reader.checkOwnership(of: table)
        guard key.isKey else { throw unsafe .failure(MDB_BAD_VALSIZE, .delete, in: handle) }
        try prepare()
        let handle = unsafe self.handle
        let code = unsafe key.withUnsafeBytes { bytes in
            var key = unsafe MDB_val(bytes)
            return unsafe guarded_delete(handle, table.dbi, &key)
        }
        if code == MDB_NOTFOUND { return false }
        guard code == MDB_SUCCESS else { throw unsafe .failure(code, .delete, in: handle) }
        return true
    }

    /// Removes every entry of `table`, in time in proportion to its pages, not its entries.
    package mutating func clear(_ table: Table) throws(LMDBError) {
        reader.checkOwnership(of: table)
        try prepare()
        let code = unsafe guarded_clear(handle, table.dbi)
        guard code == MDB_SUCCESS else { throw unsafe .failure(code, .clear, in: handle) }
    }
}

extension WriteTransaction {
    /// Before each change: the first one takes away the sums of what was there until now.
    @usableFromInline
    func prepare() throws(LMDBError) {
        let failure: LMDBError? = unsafe environment._withUnsafeGuaranteedRef { environment in
            do throws(LMDBError) { try environment.prepareForChanges() } catch { return error }
            return nil
        }
        if let failure { throw failure }
    }

    @inlinable
    mutating func store(
        _ value: RawSpan, for key: RawSpan, in table: Table, flags: CInt, _ operation: LMDBError.Operation
    ) throws(LMDBError) {
        reader.checkOwnership(of: table)
        guard key.isKey else { throw unsafe .failure(MDB_BAD_VALSIZE, operation, in: handle) }
        try prepare()
        let handle = unsafe self.handle
        let code = unsafe key.withUnsafeBytes { key in
            unsafe value.withUnsafeBytes { value in
                var key = unsafe MDB_val(key)
                var value = unsafe MDB_val(value)
                return unsafe guarded_put(handle, table.dbi, &key, &value, CUnsignedInt(flags))
            }
        }
        guard code == MDB_SUCCESS else { throw unsafe .failure(code, operation, in: handle) }
    }

    @usableFromInline
    mutating func makeRoom(
        _ byteCount: Int, for key: RawSpan, in table: Table, as mode: StoreMode
    ) throws(LMDBError) -> UnsafeMutableRawBufferPointer {
        reader.checkOwnership(of: table)
        let (flags, operation): (CInt, LMDBError.Operation) =
            switch mode {
            case .insert: (MDB_NOOVERWRITE, .insert)
            case .put: (0, .put)
            case .append: (MDB_APPEND, .append)
            }
        guard key.isKey, byteCount >= 0 else { throw unsafe .failure(MDB_BAD_VALSIZE, operation, in: handle) }
        try prepare()
        let handle = unsafe self.handle
        var room = unsafe MDB_val(mv_size: byteCount, mv_data: nil)
        let code = unsafe key.withUnsafeBytes { bytes in
            var key = unsafe MDB_val(bytes)
            return unsafe guarded_put(handle, table.dbi, &key, &room, CUnsignedInt(flags | MDB_RESERVE))
        }
        guard code == MDB_SUCCESS else { throw unsafe .failure(code, operation, in: handle) }
        let bytes = unsafe UnsafeMutableRawBufferPointer(start: room.mv_data, count: byteCount)
        unsafe bytes.initializeMemory(as: UInt8.self, repeating: 0)
        return unsafe bytes
    }
}

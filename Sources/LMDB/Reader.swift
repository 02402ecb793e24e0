public import CLMDB  // Public, because what is inlined into other rooms calls it.

/// The reading half of a snapshot or of a write transaction: what a function takes that does not care which it is given.
///
/// Copied freely, at the cost of two words; a copy cannot outlive the transaction any more than the original can.
@safe package struct Reader: ~Escapable {
    @usableFromInline let transaction: OpaquePointer
    @usableFromInline let environment: EnvironmentNumber

    /// Only a snapshot or a write transaction may make one, and bind it to its own life.
    @inlinable
    @_lifetime(immortal)
    init(transaction: OpaquePointer, environment: EnvironmentNumber) {
        unsafe self.transaction = transaction
        self.environment = environment
    }

    /// The bytes under `key`, or nil when there are none.
    ///
    /// They lie in the memory map and are good as long as the transaction: of a write transaction,
    /// until its next change. Copy what you mean to keep.
    @inlinable
    @_lifetime(copy self)
    package func value(of key: RawSpan, in table: Table) throws(LMDBError) -> RawSpan? {
        var found = unsafe MDB_val()
        let code = unsafe find(key, in: table, &found)
        if code == MDB_NOTFOUND { return nil }
        guard code == MDB_SUCCESS else { throw unsafe .failure(code, .read, in: transaction) }
        return unsafe _overrideLifetime(found.span, copying: self)
    }

    /// Lends `body` the bytes under `key` and gives back its result; nil, without calling it, when there are none.
    @inlinable
    package func lend<Result>(
        _ key: RawSpan, in table: Table, to body: (RawSpan) -> Result
    ) throws(LMDBError) -> Result? {
        guard let bytes = try value(of: key, in: table) else { return nil }
        return body(bytes)
    }

    /// Whether `key` has a value.
    @inlinable
    package func contains(_ key: RawSpan, in table: Table) throws(LMDBError) -> Bool {
        var found = unsafe MDB_val()
        let code = unsafe find(key, in: table, &found)
        if code == MDB_NOTFOUND { return false }
        guard code == MDB_SUCCESS else { throw unsafe .failure(code, .read, in: transaction) }
        return true
    }

    /// A cursor that stands before the first and after the last entry of `table`.
    @_lifetime(copy self)
    package func cursor(in table: Table) throws(LMDBError) -> Cursor {
        checkOwnership(of: table)
        var cursor: OpaquePointer?
        let code = unsafe guarded_cursor_open(transaction, table.dbi, &cursor)
        guard code == MDB_SUCCESS, let cursor = unsafe cursor else { throw unsafe .failure(code, .read, in: transaction) }
        return unsafe _overrideLifetime(Cursor(cursor), copying: self)
    }

    /// How many entries `table` has, and how many pages they take.
    package func statistics(of table: Table) throws(LMDBError) -> TableStatistics {
        checkOwnership(of: table)
        var found = MDB_stat()
        let code = unsafe guarded_count(transaction, table.dbi, &found)
        guard code == MDB_SUCCESS else { throw unsafe .failure(code, .read, in: transaction) }
        return TableStatistics(found)
    }

    /// How many entries `table` has.
    package func count(of table: Table) throws(LMDBError) -> Int { try statistics(of: table).entries }

    @inlinable
    func find(_ key: RawSpan, in table: Table, _ found: inout MDB_val) -> CInt {
        checkOwnership(of: table)
        guard key.isKey else { return MDB_BAD_VALSIZE }
        return unsafe key.withUnsafeBytes { bytes in
            var key = unsafe MDB_val(bytes)
            return unsafe guarded_get(transaction, table.dbi, &key, &found)
        }
    }

    @inlinable
    func checkOwnership(of table: Table) {
        precondition(table.environment == environment, "because a table's number means another table in another file")
    }
}

/// What a snapshot and a write transaction have in common.
///
/// For generic code there is no need of it: take a `Reader`, which costs nothing.
package protocol Readable: ~Copyable, ~Escapable {
    /// The view to hand to functions that only read.
    var reader: Reader { @_lifetime(borrow self) borrowing get }
}

extension Readable where Self: ~Copyable & ~Escapable {
    /// The bytes under `key`, or nil when there are none. See `Reader.value`.
    @inlinable
    @_lifetime(borrow self)
    package borrowing func value(of key: RawSpan, in table: Table) throws(LMDBError) -> RawSpan? {
        try reader.value(of: key, in: table)
    }

    /// Lends `body` the bytes under `key`. See `Reader.lend`.
    @inlinable
    package borrowing func lend<Result>(
        _ key: RawSpan, in table: Table, to body: (RawSpan) -> Result
    ) throws(LMDBError) -> Result? {
        try reader.lend(key, in: table, to: body)
    }

    /// Whether `key` has a value.
    @inlinable
    package borrowing func contains(_ key: RawSpan, in table: Table) throws(LMDBError) -> Bool {
        try reader.contains(key, in: table)
    }

    /// A cursor over `table`. See `Reader.cursor`.
    @inlinable
    @_lifetime(borrow self)
    package borrowing func cursor(in table: Table) throws(LMDBError) -> Cursor {
        try reader.cursor(in: table)
    }

    /// How many entries `table` has.
    @inlinable
    package borrowing func count(of table: Table) throws(LMDBError) -> Int { try reader.count(of: table) }
}

/// The size of one table.
package struct TableStatistics: Equatable, Sendable {
    /// How many keys it has.
    package let entries: Int
    /// The height of its tree; 0 when it is empty.
    package let depth: Int
    /// The pages it takes, of `Environment.Information.pageBytes` each.
    package let pages: Int

    /// No file has more. The numbers come from disk, and no damage there may trap, also where they are added up and multiplied.
    private static let most = 1 << 48

    init(_ found: MDB_stat) {
        entries = min(Int(clamping: found.ms_entries), Self.most)
        depth = Int(found.ms_depth)
        pages = min(Int(clamping: found.ms_branch_pages &+ found.ms_leaf_pages &+ found.ms_overflow_pages), Self.most)
    }
}

extension RawSpan {
    /// LMDB takes keys of 1 to 511 bytes. It checks some calls only, so every call is checked here.
    @inlinable var isKey: Bool { byteCount &- 1 < 511 && !isEmpty }
}

extension MDB_val {
    // LMDB takes mutable pointers for what it only reads.
    @inlinable
    init(_ bytes: UnsafeRawBufferPointer) {
        unsafe self.init(mv_size: bytes.count, mv_data: UnsafeMutableRawPointer(mutating: bytes.baseAddress))
    }

    /// What LMDB lent. Whoever returns it binds it to the transaction's life.
    @inlinable
    var span: RawSpan {
        @_lifetime(borrow self) borrowing get {
            unsafe _overrideLifetime(RawSpan(_unsafeStart: mv_data, byteCount: mv_size), borrowing: self)
        }
    }
}

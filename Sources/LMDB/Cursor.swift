package import CLMDB

/// A place in a table, moved in the order of the keys (bytes, shorter before longer).
///
/// Every move says whether there is an entry; after a `false` the cursor stands nowhere, and stays
/// there until it is sent to the first, the last or a key. A new cursor's first step leads to an end of the table.
/// `key` and `value` borrow the cursor: using them after it moved does not compile.
@safe package struct Cursor: ~Copyable, ~Escapable {
    @usableFromInline let handle: OpaquePointer
    @usableFromInline var found = unsafe (key: MDB_val(), value: MDB_val())
    @usableFromInline var place = Place.before

    @usableFromInline
    enum Place { case before, entry, nowhere }

    @_lifetime(immortal)
    init(_ handle: OpaquePointer) { unsafe self.handle = handle }

    deinit { unsafe guarded_cursor_close(handle) }

    /// The key of the entry on which the cursor stands.
    @inlinable
    package var key: RawSpan {
        @_lifetime(borrow self) borrowing get {
            precondition(place == .entry, "because a cursor that found nothing has no key")
            return unsafe _overrideLifetime(found.key.span, borrowing: self)
        }
    }

    /// The value of the entry on which the cursor stands.
    @inlinable
    package var value: RawSpan {
        @_lifetime(borrow self) borrowing get {
            precondition(place == .entry, "because a cursor that found nothing has no value")
            return unsafe _overrideLifetime(found.value.span, borrowing: self)
        }
    }

    /// Goes to the table's first entry.
    @inlinable
    package mutating func first() throws(LMDBError) -> Bool { try move(MDB_FIRST) }

    /// Goes to the table's last entry.
    @inlinable
    package mutating func last() throws(LMDBError) -> Bool { try move(MDB_LAST) }

    /// Goes one entry up.
    @inlinable
    package mutating func next() throws(LMDBError) -> Bool { place == .nowhere ? false : try move(MDB_NEXT) }

    /// Goes one entry down.
    @inlinable
    package mutating func previous() throws(LMDBError) -> Bool { place == .nowhere ? false : try move(MDB_PREV) }

    /// Goes to the first entry whose key is `key` or greater.
    @inlinable
    package mutating func seek(atLeast key: RawSpan) throws(LMDBError) -> Bool { try move(MDB_SET_RANGE, to: key) }

    /// Goes to the entry of exactly `key`.
    @inlinable
    package mutating func seek(_ key: RawSpan) throws(LMDBError) -> Bool { try move(MDB_SET_KEY, to: key) }

    /// Goes to the last entry whose key is less than `key`.
    @inlinable
    package mutating func seek(below key: RawSpan) throws(LMDBError) -> Bool {
        // Past the end LMDB stands nowhere, and what is below is the table's last.
        try seek(atLeast: key) ? try previous() : try last()
    }

    @inlinable
    mutating func move(_ operation: MDB_cursor_op) throws(LMDBError) -> Bool {
        var key = unsafe MDB_val()
        var value = unsafe MDB_val()
        let code = unsafe guarded_cursor_get(handle, &key, &value, operation)
        return unsafe try arrive(key, value, code)
    }

    @inlinable
    mutating func move(_ operation: MDB_cursor_op, to sought: RawSpan) throws(LMDBError) -> Bool {
        var value = unsafe MDB_val()
        guard sought.isKey else { return unsafe try arrive(value, value, MDB_BAD_VALSIZE) }
        var key = unsafe MDB_val()
        let code = unsafe sought.withUnsafeBytes { bytes in
            unsafe key = unsafe MDB_val(bytes)
            return unsafe guarded_cursor_get(handle, &key, &value, operation)
        }
        return unsafe try arrive(key, value, code)
    }

    @inlinable
    mutating func arrive(_ key: MDB_val, _ value: MDB_val, _ code: CInt) throws(LMDBError) -> Bool {
        guard code == MDB_SUCCESS else {
            place = .nowhere
            if code == MDB_NOTFOUND { return false }
            throw unsafe .failure(code, .read, in: mdb_cursor_txn(handle))
        }
        unsafe found = (key, value)
        place = .entry
        return true
    }
}

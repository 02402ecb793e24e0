package import CLMDB

extension WriteTransaction {
    /// Sets the values of keys, each by the one that it has: the same as a look and a `put` for every key. Where neighbouring keys follow
    /// each other, most of them take no way down the tree.
    ///
    /// - Parameters:
    ///   - count: how many keys there are
    ///   - key: gives the key at an index
    ///   - value: is lent the value that the key at an index has, nil if it has none; returns the new one as big-endian words, or nil to
    ///     leave everything as it is
    @inlinable
    package mutating func amend<let width: Int>(
        _ count: Int, in table: Table, key: (Int) -> [UInt8], value: (Int, RawSpan?) -> InlineArray<width, UInt64>?
    ) throws(LMDBError) {
        reader.checkOwnership(of: table)
        try prepare()
        var opened: OpaquePointer?
        let code = unsafe guarded_cursor_open(handle, table.dbi, &opened)
        guard code == MDB_SUCCESS, let cursor = unsafe opened else { throw unsafe .failure(code, .put, in: handle) }
        defer { unsafe guarded_cursor_close(cursor) }
        for index in 0..<count {
            let bytes = key(index)
            guard unsafe bytes.span.bytes.isKey else { throw unsafe .failure(MDB_BAD_VALSIZE, .put, in: handle) }
            let code = unsafe bytes.withUnsafeBytes { bytes in
                unsafe Self.amend(MDB_val(bytes), at: cursor) { value(index, $0) }
            }
            guard code == MDB_SUCCESS else { throw unsafe .failure(code, .put, in: handle) }
        }
    }

    @inlinable
    static func amend<let width: Int>(
        _ key: MDB_val, at cursor: OpaquePointer, _ value: (RawSpan?) -> InlineArray<width, UInt64>?
    ) -> CInt {
        var (key, found) = unsafe (key, MDB_val())
        let sought = unsafe guarded_cursor_get(cursor, &key, &found, MDB_SET)
        guard sought == MDB_SUCCESS || sought == MDB_NOTFOUND else { return sought }
        let words = if sought == MDB_SUCCESS { unsafe value(found.span) } else { value(nil) }
        guard let words else { return MDB_SUCCESS }
        return unsafe words.span.bytes.withUnsafeBytes { bytes in
            var new = unsafe MDB_val(bytes)
            // The cursor stands on the key already.
            return unsafe guarded_cursor_put(cursor, &key, &new, sought == MDB_SUCCESS ? CUnsignedInt(MDB_CURRENT) : 0)
        }
    }
}

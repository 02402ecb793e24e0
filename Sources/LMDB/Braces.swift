// Transactions between braces, for callers whose steps fail in several ways and who put one type on it all further out.
extension Environment {
    /// Reads within one view of the file, and lets go of it at the closing brace.
    ///
    /// Throws what `body` throws, or an `LMDBError`.
    package func read<Result>(_ body: (Reader) throws -> Result) throws -> Result {
        let snapshot = try self.snapshot()
        return try body(snapshot.reader)
    }

    /// Writes within one transaction, and commits it at the closing brace; a failure inside undoes all of it.
    ///
    /// Throws what `body` throws, or an `LMDBError`.
    package func write<Result>(_ body: (inout WriteTransaction) throws -> Result) throws -> Result {
        var transaction = try beginWriting()
        let result = try body(&transaction)
        try transaction.commit()
        return result
    }
}

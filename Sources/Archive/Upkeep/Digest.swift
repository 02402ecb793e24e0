import Crypto
import Events
import LMDB
import Ledger
import Projections

extension Archive {
    /// The digest of everything projected, after all that is journaled now is folded.
    ///
    /// "Rebuilt equals incremental" is one comparison of it.
    ///
    /// Refused as `BUSY` when so much is appended meanwhile that no two looks at the state are alike.
    package func digest() throws(ArchiveFailure) -> Result<StateDigest, Refusal> {
        for _ in 0..<Self.digestTries {
            flush()
            // Nothing is folded any more, and nobody would ever find two looks alike.
            if trouble != nil { return .failure(core.readOnly) }
            if let digest = try core.store.digest() { return .success(digest) }
        }
        return .failure(Refusal(.busy, "events are folded while the digest is taken; ask again when less is appended"))
    }

    private static let digestTries = 3
}

extension Store {
    /// SHA-256 over position, partitions and tables in a fixed order: for each table its name and the number of its rows,
    /// for each row the lengths of key and value, key and value.
    ///
    /// Nil when events were folded at the same time: the position and the tables may then be of different moments.
    func digest() throws(ArchiveFailure) -> StateDigest? {
        let before = try progress().position
        guard let bytes = try digestOnce(at: before) else { return nil }
        return try progress().position == before ? StateDigest(position: before, bytes: bytes) : nil
    }

    /// Nil when a partition has events that the state has not heard of yet.
    private func digestOnce(at position: Position) throws(ArchiveFailure) -> [UInt8]? {
        var isAhead = false
        var hash = SHA256()
        hash.update(number: position.rawValue)
        do {
            try state.environment.read { reader in
                for (name, table) in state.tables { try hash.update(name, table, reader) }
                try hash.update(TreeTable.tableName, tree.table, reader)
            }
            for id in shelf.all {
                guard let lease = try shelf.lease(id) else { continue }
                let partition = lease.partition
                hash.update(number: UInt64(UInt32(bitPattern: id.number)))
                try partition.environment.read { reader in
                    let index = PartitionIndex(in: partition.environment)
                    if let totals = try partition.totals(reader), totals.last > position { return isAhead = true }
                    try index.forEachRow(reader, begin: { hash.update($0, rows: $1) }, { hash.update($0, $1) })
                }
            }
        } catch { throw ArchiveFailure(error) }
        return isAhead ? nil : Array(hash.finalize())
    }
}

extension SHA256 {
    fileprivate mutating func update(number: UInt64) {
        withUnsafeBytes(of: number.bigEndian) { update(bufferPointer: $0) }
    }

    fileprivate mutating func update(_ name: String, rows: Int) {
        update(data: Array(name.utf8))
        update(number: UInt64(rows))
    }

    fileprivate mutating func update(_ key: RawSpan, _ value: RawSpan) {
        update(number: UInt64(key.byteCount))
        update(number: UInt64(value.byteCount))
        key.withUnsafeBytes { update(bufferPointer: $0) }
        value.withUnsafeBytes { update(bufferPointer: $0) }
    }

    fileprivate mutating func update(_ name: String, _ table: Table, _ reader: Reader) throws(LMDBError) {
        update(name, rows: try reader.count(of: table))
        var cursor = try reader.cursor(in: table)
        while try cursor.next() { update(cursor.key, cursor.value) }
    }
}

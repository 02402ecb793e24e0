import Crypto
import Events
import LMDB
import Ledger
import Projections

extension Archive {
    /// The digest of everything projected, after all that is journaled now is folded.
    ///
    /// "Rebuilt equals incremental" is one comparison of it.
    package func digest() throws(ArchiveFailure) -> StateDigest {
        flush()
        return try core.store.digest()
    }
}

extension Store {
    /// SHA-256 over position, partitions and tables in a fixed order: for each table its name and the number of its rows,
    /// for each row the lengths of key and value, key and value.
    ///
    /// While events are folded at the same time, the position and the tables may be of different moments; then it is tried again.
    func digest() throws(ArchiveFailure) -> StateDigest {
        while true {
            let before = try progress().position
            let bytes = try digestOnce(at: before)
            if try progress().position == before { return StateDigest(position: before, bytes: bytes) }
        }
    }

    private func digestOnce(at position: Position) throws(ArchiveFailure) -> [UInt8] {
        var hash = SHA256()
        hash.update(number: position.rawValue)
        do {
            try state.environment.read { reader in
                for (name, table) in state.tables { try hash.update(name, table, reader) }
            }
            for id in shelf.all {
                guard let lease = try shelf.lease(id) else { continue }
                let partition = lease.partition
                hash.update(number: UInt64(UInt32(bitPattern: id.number)))
                try partition.environment.read { reader in
                    for (name, table) in PartitionIndex(in: partition.environment).tables { try hash.update(name, table, reader) }
                }
            }
        } catch { throw ArchiveFailure(error) }
        return Array(hash.finalize())
    }
}

extension SHA256 {
    fileprivate mutating func update(number: UInt64) {
        withUnsafeBytes(of: number.bigEndian) { update(bufferPointer: $0) }
    }

    fileprivate mutating func update(_ name: String, _ table: Table, _ reader: Reader) throws(LMDBError) {
        update(data: Array(name.utf8))
        update(number: UInt64(try reader.count(of: table)))
        var cursor = try reader.cursor(in: table)
        while try cursor.next() {
            update(number: UInt64(cursor.key.byteCount))
            update(number: UInt64(cursor.value.byteCount))
            cursor.key.withUnsafeBytes { update(bufferPointer: $0) }
            cursor.value.withUnsafeBytes { update(bufferPointer: $0) }
        }
    }
}

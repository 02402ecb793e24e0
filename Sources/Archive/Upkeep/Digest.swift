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
    /// SHA-256 over position, tables of the state, and the SHA-256 of each partition's tables, in a fixed order: for each table its name and
    /// the number of its rows, for each row the lengths of key and value, key and value.
    ///
    /// Nil when events were folded at the same time: the position and the tables may then be of different moments.
    ///
    /// - Parameter onAllCores: looks at several partitions at once, where nobody waits for another answer.
    func digest(onAllCores: Bool = false) throws(ArchiveFailure) -> StateDigest? {
        let before = try progress().position
        guard let bytes = try digestOnce(at: before, onAllCores) else { return nil }
        return try progress().position == before ? StateDigest(position: before, bytes: bytes) : nil
    }

    /// Nil when a partition has events that the state has not heard of yet.
    private func digestOnce(at position: Position, _ onAllCores: Bool) throws(ArchiveFailure) -> [UInt8]? {
        var hash = DigestHash()
        hash.update(number: position.rawValue)
        do {
            try state.environment.read { reader in
                for (name, table) in state.tables { try hash.update(name, table, reader) }
                try hash.update(TreeTable.tableName, tree.table, reader)
            }
            let ids = shelf.all
            let width = onAllCores ? max(1, ids.count) : 1
            for start in stride(from: 0, to: ids.count, by: width) {
                let found = Cores.map(min(width, ids.count - start)) { index in Result { try digest(of: ids[start + index], at: position) }
                }
                for result in found {
                    switch try result.get() {
                    case .ahead: return nil
                    case .gone: break
                    case .hash(let bytes): hash.update(bytes)
                    }
                }
            }
        } catch { throw ArchiveFailure(error) }
        return hash.finalize()
    }

    private enum PartitionDigest {
        case hash([UInt8])
        case ahead
        case gone
    }

    private func digest(of id: PartitionID, at position: Position) throws -> PartitionDigest {
        guard let lease = try shelf.lease(id) else { return .gone }
        let partition = lease.partition
        var hash = DigestHash()
        hash.update(number: UInt64(UInt32(bitPattern: id.number)))
        let isAhead = try partition.environment.read { reader in
            if let totals = try partition.totals(reader), totals.last > position { return true }
            try PartitionIndex(in: partition.environment).forEachRow(
                reader, begin: { hash.update($0, rows: $1) }, { hash.update($0, $1) })
            return false
        }
        return isAhead ? .ahead : .hash(hash.finalize())
    }
}

/// SHA-256 of many small pieces, which are gathered before they are hashed: each call costs as much as the hash of a row.
private struct DigestHash {
    private var hash = SHA256()
    private var gathered: [UInt8] = []

    private static let gatheredMax = 1 << 14

    init() { gathered.reserveCapacity(Self.gatheredMax + 1 << 10) }

    mutating func update(number: UInt64) {
        withUnsafeBytes(of: number.bigEndian) { gathered.append(contentsOf: $0) }
    }

    mutating func update(_ name: String, rows: Int) {
        gathered.append(contentsOf: name.utf8)
        update(number: UInt64(rows))
    }

    mutating func update(_ digest: [UInt8]) { gathered += digest }

    mutating func update(_ key: RawSpan, _ value: RawSpan) {
        update(number: UInt64(key.byteCount))
        update(number: UInt64(value.byteCount))
        key.withUnsafeBytes { gathered.append(contentsOf: $0) }
        value.withUnsafeBytes { gathered.append(contentsOf: $0) }
        if gathered.count >= Self.gatheredMax { settle() }
    }

    mutating func update(_ name: String, _ table: Table, _ reader: Reader) throws(LMDBError) {
        update(name, rows: try reader.count(of: table))
        var cursor = try reader.cursor(in: table)
        while try cursor.next() { update(cursor.key, cursor.value) }
    }

    private mutating func settle() {
        gathered.withUnsafeBytes { hash.update(bufferPointer: $0) }
        gathered.removeAll(keepingCapacity: true)
    }

    mutating func finalize() -> [UInt8] {
        settle()
        return Array(hash.finalize())
    }
}

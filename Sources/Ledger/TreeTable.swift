package import LMDB
package import Merkle

/// The audit tree's stored hashes: a table of the state file.
///
/// Key: level (u64), index (u64) of a complete subtree of level 8, 16, 24, …, so one row for each 256 events and a few above them; these
/// are the hashes of tlog-tiles that are not leaf hashes. Value: 32 bytes. What is below, between and beside them is hashed again.
/// A projection: made of the trail alone, and made again by a rebuild.
package struct TreeTable: Sendable {
    package static let tableName = "tree"
    /// Of the lowest level that is stored, and the distance between two.
    package static let levelStep = 8

    package let table: Table
    private let path: String

    package init(in environment: Environment) {
        table = environment.table(named: Self.tableName)
        path = environment.path
    }

    /// Nil where no row is.
    package func hash(of node: TreeNode, _ reader: Reader) throws(LedgerFailure) -> TreeHash? {
        let key = Self.key(of: node)
        let found = try onStore { () throws(LMDBError) in
            try reader.lend(key.span.bytes, in: table) { value in value.withUnsafeBytes { TreeHash($0) } }
        }
        guard let found else { return nil }
        guard let hash = found else { throw .damaged(path: path, table: Self.tableName, reason: "the hash at \(node) makes no sense") }
        return hash
    }

    /// Adds a hash, if its level is one that is stored.
    package func put(_ hash: TreeHash, of node: TreeNode, _ transaction: inout WriteTransaction) throws(LMDBError) {
        guard node.isStored else { return }
        let (key, bytes) = (Self.key(of: node), hash.stored)
        try transaction.put(bytes.span.bytes, for: key.span.bytes, in: table)
    }

    /// How many of the lowest level are there, from the tree's beginning.
    package func blocks(_ reader: Reader) throws(LedgerFailure) -> UInt64 {
        let end = Self.key(of: TreeNode(level: Self.levelStep + 1, index: 0))
        return try onStore { () throws(LMDBError) in
            var cursor = try reader.cursor(in: table)
            guard try cursor.seek(below: end.span.bytes), let index = cursor.key.word(1) else { return 0 }
            return min(index, UInt64(Int64.max) >> UInt64(Self.levelStep)) + 1
        }
    }

    /// Whether it has just the rows of a tree of a size; while the tree grows, also later ones.
    package func isOf(_ size: TreeSize, growing: Bool, _ reader: Reader) throws(LedgerFailure) -> Bool {
        try onStore { () throws(LMDBError) in
            var rows: UInt64 = 0
            var cursor = try reader.cursor(in: table)
            while try cursor.next() {
                guard cursor.key.byteCount == 16, cursor.value.byteCount == 32, let level = cursor.key.word(0),
                    let index = cursor.key.word(1),
                    level > 0, level < 64, level.isMultiple(of: UInt64(Self.levelStep))
                else { return false }
                if index < size.leaves >> level { rows += 1 } else if !growing { return false }
            }
            return rows == (1...).lazy.map { size.leaves >> UInt64($0 * Self.levelStep) }.prefix { $0 > 0 }.reduce(0, +)
        }
    }

    private static func key(of node: TreeNode) -> Words<2> { [UInt64(node.level).bigEndian, node.index.bigEndian] }
}

extension TreeNode {
    /// Whether the table has a row for it once it is complete.
    package var isStored: Bool { level > 0 && level.isMultiple(of: TreeTable.levelStep) }
}

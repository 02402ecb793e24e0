import Events
import LMDB
import Ledger
import Merkle
import Projections

/// The audit tree of what is folded: an RFC 6962 tree whose leaves are the trail records, in order of position.
///
/// One hash in 256 is stored (`TreeTable`), and what is below them is hashed again from the records: a head or a proof of any size takes at
/// most a few hundred hashes. Nothing of it changes with a purge, since leaves are trail records, nor with the removal of a partition,
/// whose leaf hashes stay in its tombstone.
struct AuditTree {
    let store: Store
    private let table: TreeTable
    /// Gives the leaf hashes of consecutive positions.
    private let leaves: (ClosedRange<Position>) throws(ArchiveFailure) -> [TreeHash]

    init(_ store: Store) {
        self.init(store) { (positions) throws(ArchiveFailure) in
            try store.vouch(for: positions.lowerBound)
            return try store.leafHashes(of: positions)
        }
    }

    /// With other records than those of the partitions.
    init(_ store: Store, leaves: @escaping (ClosedRange<Position>) throws(ArchiveFailure) -> [TreeHash]) {
        self.store = store
        self.leaves = leaves
        table = store.tree
    }

    /// How far the tree goes.
    func size() throws(ArchiveFailure) -> TreeSize { TreeSize(through: try store.progress().position) }

    func head(at size: TreeSize) throws(ArchiveFailure) -> TreeHead {
        try TreeHead(size: size) { (node) throws(ArchiveFailure) in try hash(of: node) }
    }

    /// Whether it goes as far as a head, and has its root there.
    func agrees(with head: TreeHead) throws(ArchiveFailure) -> Bool {
        guard try head.size <= size() else { return false }
        return try self.head(at: head.size).root == head.root
    }

    func frontier(at size: TreeSize) throws(ArchiveFailure) -> Frontier {
        try Frontier(size: size) { (node) throws(ArchiveFailure) in try hash(of: node) }
    }

    /// Proves that an event's record is in the tree of a size.
    func inclusion(of position: Position, in size: TreeSize) throws(ArchiveFailure) -> InclusionProof {
        try InclusionProof(of: position.leaf, in: size) { (node) throws(ArchiveFailure) in try hash(of: node) }
    }

    /// Proves that the tree only grew.
    func consistency(from earlier: TreeSize, to later: TreeSize) throws(ArchiveFailure) -> ConsistencyProof {
        try ConsistencyProof(from: earlier, to: later) { (node) throws(ArchiveFailure) in try hash(of: node) }
    }

    /// The hash of a complete subtree.
    private func hash(of node: TreeNode) throws(ArchiveFailure) -> TreeHash {
        let (level, indices) = node.stored
        if level == 0 {
            return TreeHash(rootOf: try leaves(Position(indices.lowerBound + 1)...Position(indices.upperBound)))
        }
        do {
            return try store.state.environment.read { reader in
                var frontier = Frontier()
                for index in indices {
                    let place = TreeNode(level: level, index: index)
                    guard let hash = try table.hash(of: place, reader) else { throw store.lacks(place) }
                    frontier.append(hash)
                }
                return frontier.root
            }
        } catch { throw ArchiveFailure(error) }
    }

    /// Stores what the table lacks of the tree of what is folded: nothing, unless the table was made or emptied since.
    func complete() throws(ArchiveFailure) {
        let end = try size()
        do {
            let known = try store.state.environment.read { reader in try table.blocks(reader) }
            var growth = TreeGrowth(try frontier(at: TreeSize(known << 8)))
            while growth.size < end {
                let first = Position(growth.size.leaves + 1)
                let last = min(end.end, Position(growth.size.leaves + Self.sliceLeaves))
                for hash in try store.leafHashes(of: first...last) { growth.append(hash) }
                try store.state.environment.write { transaction in try growth.write(to: table, &transaction) }
            }
        } catch { throw ArchiveFailure(error) }
    }

    /// So many leaf hashes are held in memory at once.
    private static let sliceLeaves: UInt64 = 65_536
}

extension Store {
    fileprivate func lacks(_ node: TreeNode) -> ArchiveFailure {
        .folder(
            path: state.environment.path,
            reason: "lacks the audit tree's hash at \(node); run 'annalsd rebuild' on the data folder, then start again")
    }
}

/// The tree while events are added to it: its right edge, and the hashes to be stored.
struct TreeGrowth {
    private var frontier: Frontier
    private var completed: [(node: TreeNode, hash: TreeHash)] = []

    init(_ frontier: Frontier) { self.frontier = frontier }

    var size: TreeSize { frontier.size }

    mutating func append(_ leaf: TreeHash) {
        frontier.append(leaf) { node, hash in if node.isStored { completed.append((node, hash)) } }
    }

    /// Writes what was completed since the last time.
    mutating func write(to table: TreeTable, _ transaction: inout WriteTransaction) throws(LMDBError) {
        for (node, hash) in completed { try table.put(hash, of: node, &transaction) }
        completed.removeAll(keepingCapacity: true)
    }
}

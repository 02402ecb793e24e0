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
    ///
    /// Blocks of 256 leaves are hashed on all cores; what is above them is put together here.
    func complete() throws(ArchiveFailure) {
        let blocks = try size().leaves >> 8
        do {
            let known = try store.state.environment.read { reader in try table.blocks(reader) }
            guard known < blocks else { return }
            var upper = try Frontier(size: TreeSize(known)) { (node) throws(ArchiveFailure) in try hash(of: node.aboveBlocks) }
            while upper.size.leaves < blocks {
                var completed: [(node: TreeNode, hash: TreeHash)] = []
                for root in try roots(of: upper.size.leaves..<blocks) {
                    upper.append(root) { node, hash in if node.aboveBlocks.isStored { completed.append((node.aboveBlocks, hash)) } }
                }
                try store.state.environment.write { transaction in
                    for (node, hash) in completed { try table.put(hash, of: node, &transaction) }
                }
            }
        } catch { throw ArchiveFailure(error) }
    }

    /// The roots of the first of these blocks, as many as are held in memory at once.
    private func roots(of blocks: Range<UInt64>) throws -> [TreeHash] {
        let starts = stride(from: blocks.lowerBound, to: blocks.upperBound, by: Self.sliceBlocks).prefix(Cores.wave)
        let slices = starts.map { $0..<min($0 + UInt64(Self.sliceBlocks), blocks.upperBound) }
        let found = Cores.map(slices.count) { [store] index in
            Result {
                let slice = slices[index]
                let leaves = try store.leafHashes(of: Position(slice.lowerBound << 8 + 1)...Position(slice.upperBound << 8))
                return stride(from: 0, to: leaves.count, by: 256).map { TreeHash(rootOf: Array(leaves[$0..<$0 + 256])) }
            }
        }
        return try found.flatMap { try $0.get() }
    }

    /// So many blocks are hashed by one core at once.
    private static let sliceBlocks = 16
}

extension TreeNode {
    /// Of a tree whose leaves are blocks: the same subtree in the tree of single leaves.
    fileprivate var aboveBlocks: TreeNode { TreeNode(level: level + 8, index: index) }
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
    /// Behind the frontier.
    private var leaves = LeafBatch()

    init(_ frontier: Frontier) { self.frontier = frontier }

    var size: TreeSize { TreeSize(frontier.size.leaves + UInt64(leaves.count)) }

    mutating func append(_ record: UnsafeRawBufferPointer) {
        leaves.add(record)
        if leaves.count == LeafBatch.usual { settle() }
    }

    private mutating func settle() {
        frontier.append(contentsOf: leaves.takeHashes()) { node, hash in if node.isStored { completed.append((node, hash)) } }
    }

    /// Writes what was completed since the last time.
    mutating func write(to table: TreeTable, _ transaction: inout WriteTransaction) throws(LMDBError) {
        settle()
        for (node, hash) in completed { try table.put(hash, of: node, &transaction) }
        completed.removeAll(keepingCapacity: true)
    }
}

/// The right edge of a growing tree: all that must be remembered to append to it and to know its root.
///
/// Invariant: there is one peak for each bit that is set in the size, the root of a complete subtree of so many leaves, from the
/// largest, at the left, to the smallest. A tree of 2^40 leaves has at most 40 of them.
package struct Frontier: Hashable, Sendable {
    package private(set) var size: TreeSize
    /// From the left: each of a subtree smaller than the one before.
    package private(set) var peaks: [TreeHash]

    /// Of a tree without leaves.
    package init() {
        size = .empty
        peaks = []
        // The edge grows in place then, and an append allocates nothing.
        peaks.reserveCapacity(64)
    }

    /// Of a tree whose peaks were written down; nil when they are not as many as a tree of this size has.
    package init?(size: TreeSize, peaks: [TreeHash]) {
        guard peaks.count == size.leaves.nonzeroBitCount else { return nil }
        self.init()
        self.size = size
        self.peaks += peaks
    }

    /// Of a tree whose complete subtrees are stored.
    ///
    /// - Parameters:
    ///   - node: gives the hash of a subtree that is complete in a tree of this size.
    package init<Failure>(size: TreeSize, reading node: (TreeNode) throws(Failure) -> TreeHash) throws(Failure) {
        self.init()
        for place in Self.places(at: size) { peaks.append(try node(place)) }
        self.size = size
    }

    /// Where the peaks of a tree of this size are, from the left.
    package static func places(at size: TreeSize) -> [TreeNode] { LeafRange(size).nodes }

    package var root: TreeHash { TreeHash(joining: peaks) }

    package var head: TreeHead { TreeHead(size: size, root: root) }

    /// Appends a leaf by its hash, and reports every subtree that it completes, from the leaf itself upwards: one in two leaves completes
    /// one of two, one in 256 a tile. One hash is computed for each but the leaf, less than one a leaf in the long run.
    ///
    /// When `completed` throws, the tree is as it was.
    @inlinable package mutating func append<Failure>(
        _ leaf: TreeHash, completed: (TreeNode, TreeHash) throws(Failure) -> Void
    ) throws(Failure) {
        precondition(size.leaves < .max, "a tree has room because 64 bits of leaves take 584,000 years at a million a second")
        var node = TreeNode(level: 0, index: size.leaves)
        var hash = leaf
        var kept = peaks.count
        try completed(node, hash)
        while !node.index.isMultiple(of: 2) {
            kept -= 1
            hash = TreeHash(left: peaks[kept], right: hash)
            node = TreeNode(level: node.level + 1, index: node.index / 2)
            try completed(node, hash)
        }
        grow(keeping: kept, and: hash)
    }

    @usableFromInline mutating func grow(keeping kept: Int, and peak: TreeHash) {
        peaks.removeLast(peaks.count - kept)
        peaks.append(peak)
        size = TreeSize(size.leaves + 1)
    }

    @inlinable package mutating func append(_ leaf: TreeHash) {
        append(leaf) { _, _ in }
    }

    /// Appends leaves, level by level, so that the hashes of a level are made side by side; reports every subtree that they complete above
    /// the leaves, from level to level, and in each from the left.
    package mutating func append(contentsOf leaves: [TreeHash], completed: (TreeNode, TreeHash) -> Void = { _, _ in }) {
        let (grown, overflow) = size.leaves.addingReportingOverflow(UInt64(leaves.count))
        precondition(!overflow, "a tree has room because 64 bits of leaves take 584,000 years at a million a second")
        var (level, first, hashes) = (0, size.leaves, leaves)
        // From the smallest.
        var edge: [TreeHash] = []
        while !hashes.isEmpty {
            if !first.isMultiple(of: 2) {
                hashes.insert(peaks.removeLast(), at: 0)
                first -= 1
            }
            if !hashes.count.isMultiple(of: 2) { edge.append(hashes.removeLast()) }
            hashes = TreeHash.parents(of: hashes)
            (level, first) = (level + 1, first / 2)
            for (index, hash) in hashes.enumerated() { completed(TreeNode(level: level, index: first + UInt64(index)), hash) }
        }
        peaks += edge.reversed()
        size = TreeSize(grown)
    }
}

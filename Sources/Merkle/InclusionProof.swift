/// That a leaf is in a tree: the hashes beside the way from the leaf up to the root, from the leaf's neighbour to the root's child.
///
/// RFC 6962, section 2.1.1; RFC 9162, sections 2.1.3.1 and 2.1.3.2.
package struct InclusionProof: Hashable, Sendable {
    package let index: LeafIndex
    /// At most 64.
    package let hashes: [TreeHash]

    package init(index: LeafIndex, hashes: [TreeHash]) {
        self.index = index
        self.hashes = hashes
    }

    /// Proves a leaf of a tree whose complete subtrees are stored. Whoever asks has checked that the leaf is in it.
    ///
    /// - Parameters:
    ///   - node: gives the hash of a subtree that is complete in a tree of this size.
    package init<Failure>(
        of index: LeafIndex, in size: TreeSize, reading node: (TreeNode) throws(Failure) -> TreeHash
    ) throws(Failure) {
        precondition(size.contains(index), "leaf \(index) can be proved because it is in the tree of \(size)")
        var hashes: [TreeHash] = []
        var range = LeafRange(size)
        while range.count > 1 {
            let (left, right) = range.halves
            let isLeft = index.rawValue < left.end
            hashes.append(try (isLeft ? right : left).hash(reading: node))
            range = isLeft ? left : right
        }
        self.init(index: index, hashes: hashes.reversed())
    }

    /// Checks that a leaf of this hash is at its place in the tree.
    ///
    /// The size has to be as trustworthy as the root, as both are in a signed checkpoint: of two sizes with the same way up to the leaf,
    /// the proof alone cannot tell which one the root has.
    package func verify(leaf: TreeHash, in head: TreeHead) throws(ProofFault) {
        guard head.size.contains(index) else { throw .outsideTree }
        var path = ProofPath(leaf: index.rawValue, last: head.size.leaves - 1)
        var hash = leaf
        for sibling in hashes {
            switch try path.step() {
            case .left: hash = TreeHash(left: sibling, right: hash)
            case .right: hash = TreeHash(left: hash, right: sibling)
            }
        }
        guard path.isAtRoot else { throw .wrongLength }
        guard hash == head.root else { throw .wrongRoot }
    }
}

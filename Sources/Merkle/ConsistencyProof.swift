/// That a tree only grew: that the earlier one is what the later one began with.
///
/// RFC 6962, section 2.1.2; RFC 9162, sections 2.1.4.1 and 2.1.4.2. Nothing has to be shown between two trees of one size, nor from
/// a tree without leaves: such proofs have no hashes.
package struct ConsistencyProof: Hashable, Sendable {
    /// At most 65.
    package let hashes: [TreeHash]

    package init(hashes: [TreeHash]) { self.hashes = hashes }

    /// Proves the growth of a tree whose complete subtrees are stored. Whoever asks has checked the order of the sizes.
    ///
    /// - Parameters:
    ///   - node: gives the hash of a subtree that is complete in the later tree.
    package init<Failure>(
        from earlier: TreeSize, to later: TreeSize, reading node: (TreeNode) throws(Failure) -> TreeHash
    ) throws(Failure) {
        precondition(earlier <= later, "growth can be proved because \(earlier) is not more than \(later)")
        guard earlier > .empty, earlier < later else {
            self.init(hashes: [])
            return
        }
        var hashes: [TreeHash] = []
        var range = LeafRange(later)
        while range.end != earlier.leaves {
            let (left, right) = range.halves
            let isLeft = earlier.leaves <= left.end
            hashes.append(try (isLeft ? right : left).hash(reading: node))
            range = isLeft ? left : right
        }
        // At the left edge what remains is the earlier tree itself, whose root the verifier has.
        if range.first > 0 { hashes.append(try range.hash(reading: node)) }
        self.init(hashes: hashes.reversed())
    }

    /// Checks that the earlier tree is what the later one began with.
    ///
    /// Of an empty earlier tree this says nothing about the later one: every tree began so.
    package func verify(from earlier: TreeHead, to later: TreeHead) throws(ProofFault) {
        guard earlier.size <= later.size else { throw .sizesReversed }
        if earlier.size == .empty || earlier.size == later.size { return try verifyWithoutHashes(from: earlier, to: later) }

        var path = ProofPath(leaf: earlier.size.leaves - 1, last: later.size.leaves - 1)
        path.skipCompleteSubtree()
        let isComplete = earlier.size.leaves.nonzeroBitCount == 1
        guard let seed = isComplete ? earlier.root : hashes.first else { throw .wrongLength }
        var roots = (earlier: seed, later: seed)
        for hash in hashes.dropFirst(isComplete ? 0 : 1) {
            switch try path.step() {
            case .left: roots = (TreeHash(left: hash, right: roots.earlier), TreeHash(left: hash, right: roots.later))
            case .right: roots.later = TreeHash(left: roots.later, right: hash)
            }
        }
        guard path.isAtRoot else { throw .wrongLength }
        guard roots == (earlier.root, later.root) else { throw .wrongRoot }
    }

    private func verifyWithoutHashes(from earlier: TreeHead, to later: TreeHead) throws(ProofFault) {
        guard hashes.isEmpty else { throw .wrongLength }
        if earlier.size == .empty, earlier.root != .empty { throw .wrongRoot }
        if earlier.size == later.size, earlier.root != later.root { throw .wrongRoot }
    }
}

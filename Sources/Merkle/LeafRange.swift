/// The leaves `first..<end`: those of a whole tree, or of one side of a place where RFC 6962, section 2.1, splits it.
///
/// Invariant: `first` is a multiple of the smallest power of two that is not less than the number of leaves. So every range falls into
/// complete subtrees, from the largest to the smallest, and each of its own splits keeps the invariant.
struct LeafRange: Equatable {
    let first: UInt64
    let end: UInt64

    init(_ size: TreeSize) { self.init(0, size.leaves) }

    private init(_ first: UInt64, _ end: UInt64) {
        self.first = first
        self.end = end
    }

    var count: UInt64 { end - first }

    /// Both sides of the split: the left one has as many leaves as the largest power of two that is less than all.
    var halves: (left: LeafRange, right: LeafRange) {
        precondition(count > 1, "a range is split because it has more than one leaf")
        let middle = first + (1 << UInt64(63 - (count - 1).leadingZeroBitCount))
        return (LeafRange(first, middle), LeafRange(middle, end))
    }

    /// The complete subtrees that it falls into, from the left, each smaller than the one before.
    var nodes: [TreeNode] {
        var nodes: [TreeNode] = []
        var start = first
        while start < end {
            let level = 63 - (end - start).leadingZeroBitCount
            nodes.append(TreeNode(level: level, index: start >> UInt64(level)))
            start += 1 << UInt64(level)
        }
        return nodes
    }

    /// MTH of the range, of at most 64 subtrees whose hashes are asked for from the left.
    func hash<Failure>(reading node: (TreeNode) throws(Failure) -> TreeHash) throws(Failure) -> TreeHash {
        var hashes: [TreeHash] = []
        for place in nodes { hashes.append(try node(place)) }
        return TreeHash(joining: hashes)
    }
}

extension TreeHash {
    /// MTH of leaves, or of complete subtrees of one level: `.empty` of none.
    package init(rootOf hashes: some Sequence<TreeHash>) {
        var frontier = Frontier()
        frontier.append(contentsOf: Array(hashes))
        self = frontier.root
    }

    /// Of subtrees side by side, each smaller than the one to its left: the smallest two are joined first. `.empty` of none.
    init(joining peaks: [TreeHash]) {
        guard var hash = peaks.last else {
            self = .empty
            return
        }
        for peak in peaks.dropLast().reversed() { hash = TreeHash(left: peak, right: hash) }
        self = hash
    }
}

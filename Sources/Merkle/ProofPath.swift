/// The way from a leaf up to the root, as both algorithms of RFC 9162 go it: `fn` and `sn` of sections 2.1.3.2 and 2.1.4.2.
struct ProofPath {
    /// On which side the next hash of the proof is.
    enum Side { case left, right }

    private var node: UInt64
    private var last: UInt64

    /// - Parameters:
    ///   - last: the last leaf of the tree, at or behind the leaf.
    init(leaf: UInt64, last: UInt64) {
        node = leaf
        self.last = last
    }

    var isAtRoot: Bool { last == 0 }

    /// Leaves out the levels at which the leaf is the right one of two: the subtree that ends with it is complete.
    mutating func skipCompleteSubtree() { rise(by: (~node).trailingZeroBitCount) }

    /// Goes up to the next level at which the way has a neighbour.
    mutating func step() throws(ProofFault) -> Side {
        if isAtRoot { throw .wrongLength }
        guard !node.isMultiple(of: 2) || node == last else {
            rise(by: 1)
            return .right
        }
        // At the edge of the tree the levels without a right neighbour have no hash: the node is its parent.
        rise(by: node.trailingZeroBitCount + 1)
        return .left
    }

    private mutating func rise(by levels: Int) {
        node >>= UInt64(levels)
        last >>= UInt64(levels)
    }
}

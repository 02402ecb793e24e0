/// A tree at a moment: how large it was, and its root. Two logs with the same head have the same records in the same order.
package struct TreeHead: Hashable, Sendable {
    package let size: TreeSize
    package let root: TreeHash

    package init(size: TreeSize, root: TreeHash) {
        self.size = size
        self.root = root
    }

    package static let empty = TreeHead(size: .empty, root: .empty)

    /// The head that the tree has, or had, at a size (RFC 6962, section 2.1: MTH).
    ///
    /// - Parameters:
    ///   - node: gives the hash of a subtree that is complete in a tree of this size.
    package init<Failure>(size: TreeSize, reading node: (TreeNode) throws(Failure) -> TreeHash) throws(Failure) {
        self.init(size: size, root: try LeafRange(size).hash(reading: node))
    }
}

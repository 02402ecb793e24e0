/// The place of a complete subtree: of the 2^level leaves from leaf index · 2^level on.
///
/// What is at such a place never changes once its last leaf is there, whatever the tree grows to. Roots and proofs of every size are
/// made of these alone.
package struct TreeNode: Hashable, Sendable {
    /// 0 for a leaf, at most 63.
    package let level: Int
    /// From 0, among those of its level.
    package let index: UInt64

    @inlinable package init(level: Int, index: UInt64) {
        self.level = level
        self.index = index
    }

    /// Whether all of its leaves are there in a tree of this size.
    package func isComplete(in size: TreeSize) -> Bool { index < size.leaves >> UInt64(level) }
}

extension TreeNode: CustomStringConvertible {
    package var description: String { "\(level):\(index)" }
}

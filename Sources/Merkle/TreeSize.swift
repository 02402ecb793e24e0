/// How many leaves a tree has.
package struct TreeSize: Hashable, Comparable, Sendable {
    package let leaves: UInt64

    @inlinable package init(_ leaves: UInt64) { self.leaves = leaves }

    package static let empty = TreeSize(0)

    @inlinable package static func < (left: TreeSize, right: TreeSize) -> Bool { left.leaves < right.leaves }
}

extension TreeSize {
    /// The leaf that comes next.
    @inlinable package var end: LeafIndex { LeafIndex(leaves) }

    package func contains(_ leaf: LeafIndex) -> Bool { leaf.rawValue < leaves }
}

extension TreeSize: CustomStringConvertible {
    package var description: String { "\(leaves)" }
}

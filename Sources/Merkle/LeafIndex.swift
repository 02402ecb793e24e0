/// A leaf's place in the tree: 0, 1, 2, …, as the formats of C2SP count.
///
/// A type of its own, because the log counts its events from 1.
package struct LeafIndex: Hashable, Comparable, Sendable {
    package let rawValue: UInt64

    @inlinable package init(_ rawValue: UInt64) { self.rawValue = rawValue }

    @inlinable package static func < (left: LeafIndex, right: LeafIndex) -> Bool { left.rawValue < right.rawValue }
}

extension LeafIndex: CustomStringConvertible {
    package var description: String { "\(rawValue)" }
}

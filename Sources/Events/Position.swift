/// An event's place in the log: 1, 2, 3, …, without gaps, never used twice.
///
/// `Position.none` (0) is the place before the first event: what an empty log ends at.
package struct Position: Hashable, Comparable, Sendable {
    package let rawValue: UInt64

    @inlinable package init(_ rawValue: UInt64) { self.rawValue = rawValue }

    package static let none = Position(0)
    package static let first = Position(1)
    package static let last = Position(.max)

    /// The place right behind this one. Traps at the end of 64 bits, 584,000 years away at a million events a second.
    @inlinable package var next: Position { Position(rawValue + 1) }

    @inlinable package static func < (left: Position, right: Position) -> Bool { left.rawValue < right.rawValue }
}

extension Position: CustomStringConvertible {
    package var description: String { "#\(rawValue)" }
}

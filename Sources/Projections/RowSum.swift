import CXXHash

/// What rows add up to, in whatever order they come: two tables with the same sum have the same rows, but for a chance of 1 in 2^128.
///
/// Against damage, and not against people: whoever can write to an index can also make rows that add up.
package struct RowSum: Hashable, Sendable {
    package private(set) var rows: UInt64 = 0
    private var low: UInt64 = 0
    private var high: UInt64 = 0

    package init() {}

    package mutating func add(_ key: RawSpan, _ value: RawSpan) {
        // Most rows of an index are keys alone.
        let inner = value.isEmpty ? 0 : value.withUnsafeBytes { XXH3_64bits($0.baseAddress, $0.count) }
        key.withUnsafeBytes { key in
            low &+= XXH3_64bits_withSeed(key.baseAddress, key.count, inner)
            high &+= XXH3_64bits_withSeed(key.baseAddress, key.count, ~inner)
        }
        rows += 1
    }

    package static func += (sum: inout RowSum, other: RowSum) {
        sum.rows += other.rows
        sum.low &+= other.low
        sum.high &+= other.high
    }
}

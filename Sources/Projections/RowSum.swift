import LMDB

/// What rows add up to, in whatever order they come: two tables with the same sum have the same rows, but for a chance of 1 in 2^64.
///
/// Also against people. A row's hash is of SipHash under a key that every process draws anew: of `Hasher`, with a salt of our own beside it, or
/// of ours for rows of whole numbers. Nobody can look for rows that add up to the same.
package struct RowSum: Hashable, Sendable {
    package private(set) var rows: UInt64 = 0
    private var sum: UInt64 = 0

    package init() {}

    package mutating func add(_ key: RawSpan, _ value: RawSpan) {
        var hasher = Hasher.secret
        hasher.combine(key.byteCount)
        key.withUnsafeBytes { hasher.combine(bytes: $0) }
        // Most rows of an index are keys alone.
        if !value.isEmpty { value.withUnsafeBytes { hasher.combine(bytes: $0) } }
        sum &+= UInt64(bitPattern: Int64(hasher.finalize()))
        rows += 1
    }

    /// A row that is a key of whole numbers alone, in a table where all are.
    mutating func add<let width: Int>(_ words: InlineArray<width, UInt64>) {
        sum &+= SipHash.secret.of(words)
        rows += 1
    }

    package static func += (sum: inout RowSum, other: RowSum) {
        sum.rows += other.rows
        sum.sum &+= other.sum
    }
}

extension Hasher {
    /// Of which nobody outside knows what it will say, and the same as long as the process lives.
    static let secret = {
        var hasher = Hasher()
        var random = SystemRandomNumberGenerator()
        for _ in 0..<2 { hasher.combine(random.next()) }
        return hasher
    }()
}

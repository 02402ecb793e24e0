import LMDB

/// What rows add up to, in whatever order they come: two tables with the same sum have the same rows, but for a chance of 1 in 2^64.
///
/// Also against people. A row's hash is of SipHash under a key that every process draws anew (`Hasher`), and a salt of our own beside
/// it: nobody can look for rows that add up to the same.
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

/// SipHash-1-3 (Aumasson, Bernstein 2012) of whole numbers, low byte first: what `Hasher` is, without a call for each of its parts.
package struct SipHash: Sendable {
    private let key: (UInt64, UInt64)

    /// As `Hasher.secret`: nobody outside knows what it will say.
    static let secret = SipHash(key: (UInt64.random(in: .min ... .max), UInt64.random(in: .min ... .max)))

    package init(key: (UInt64, UInt64)) { self.key = key }

    package func of<let width: Int>(_ words: InlineArray<width, UInt64>) -> UInt64 {
        var state = State(key)
        for index in words.indices { state.add(words[index]) }
        state.add(UInt64(truncatingIfNeeded: 8 * width) << 56)
        return state.finished()
    }

    private struct State {
        private var (a, b, c, d): (UInt64, UInt64, UInt64, UInt64)

        init(_ key: (UInt64, UInt64)) {
            (a, b) = (key.0 ^ 0x736F_6D65_7073_6575, key.1 ^ 0x646F_7261_6E64_6F6D)
            (c, d) = (key.0 ^ 0x6C79_6765_6E65_7261, key.1 ^ 0x7465_6462_7974_6573)
        }

        mutating func add(_ word: UInt64) {
            d ^= word
            mix()
            a ^= word
        }

        mutating func finished() -> UInt64 {
            c ^= 0xFF
            for _ in 0..<3 { mix() }
            return a ^ b ^ c ^ d
        }

        private mutating func mix() {
            a &+= b
            b = a ^ (b << 13 | b >> 51)
            a = a << 32 | a >> 32
            c &+= d
            d = c ^ (d << 16 | d >> 48)
            a &+= d
            d = a ^ (d << 21 | d >> 43)
            c &+= b
            b = c ^ (b << 17 | b >> 47)
            c = c << 32 | c >> 32
        }
    }
}

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

    /// Of a number and three names, each shorter than 64 KiB: no other four make the same words.
    package func of(
        _ number: UInt64, _ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer, _ third: UnsafeRawBufferPointer
    ) -> UInt64 {
        var state = State(key)
        state.add(number)
        state.add(UInt64(first.count) | UInt64(second.count) << 16 | UInt64(third.count) << 32)
        state.add(first)
        state.add(second)
        state.add(third)
        return state.finished()
    }

    private struct State {
        private var (a, b, c, d): (UInt64, UInt64, UInt64, UInt64)

        init(_ key: (UInt64, UInt64)) {
            (a, b) = (key.0 ^ 0x736F_6D65_7073_6575, key.1 ^ 0x646F_7261_6E64_6F6D)
            (c, d) = (key.0 ^ 0x6C79_6765_6E65_7261, key.1 ^ 0x7465_6462_7974_6573)
        }

        @inline(__always)
        mutating func add(_ word: UInt64) {
            d ^= word
            mix()
            a ^= word
        }

        /// Bytes whose count is in the hash already, as words: the last one overlaps the one before, so that none of it is read byte by byte.
        @inline(__always)
        mutating func add(_ bytes: UnsafeRawBufferPointer) {
            let count = bytes.count
            if count < 8 { return add(Self.word(of: bytes)) }
            var offset = 0
            while offset <= count - 8 {
                add(bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
                offset += 8
            }
            if offset < count { add(bytes.loadUnaligned(fromByteOffset: count - 8, as: UInt64.self)) }
        }

        /// Up to seven bytes.
        private static func word(of bytes: UnsafeRawBufferPointer) -> UInt64 {
            let count = bytes.count
            if count >= 4 {
                let first = bytes.loadUnaligned(as: UInt32.self)
                let last = bytes.loadUnaligned(fromByteOffset: count - 4, as: UInt32.self)
                return UInt64(first) | UInt64(last) << 32
            }
            return count == 0 ? 0 : UInt64(bytes[0]) | UInt64(bytes[count / 2]) << 8 | UInt64(bytes[count - 1]) << 16
        }

        @inline(__always)
        mutating func finished() -> UInt64 {
            c ^= 0xFF
            for _ in 0..<3 { mix() }
            return a ^ b ^ c ^ d
        }

        @inline(__always)
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

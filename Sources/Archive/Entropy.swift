import Events
import Glibc

/// Random bytes for salts and message ids, drawn from a source that is passed in, many at a time:
/// a system call for each salt would cost as much as the hash it goes into.
struct Entropy {
    private var pool: [UInt8] = []
    private var used = 0
    private let refill: (UnsafeMutableRawBufferPointer) -> Void

    /// What `getentropy` gives at most.
    private static let poolBytes = 256

    init(refill: @escaping (UnsafeMutableRawBufferPointer) -> Void) { self.refill = refill }

    /// The kernel's generator.
    static func ofTheKernel() -> Entropy {
        Entropy { buffer in
            precondition(getentropy(buffer.baseAddress, buffer.count) == 0, "no salt can be made because the kernel gives no random bytes")
        }
    }

    /// Lends `count` fresh bytes.
    mutating func take<Result>(_ count: Int, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        if pool.count - used < count {
            if pool.isEmpty { pool = [UInt8](repeating: 0, count: Self.poolBytes) }
            pool.withUnsafeMutableBytes { refill($0) }
            used = 0
        }
        let range = used..<used + count
        used += count
        let result = pool.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[range])) }
        // Nothing is given out twice, and nothing that was given out stays here to be found.
        for index in range { pool[index] = 0 }
        return result
    }
}

/// A UUIDv7 as text (RFC 9562): 48 bits of time, 74 random ones.
enum MadeMessageID {
    static let byteCount = 36

    static func write(at instant: Instant, entropy: inout Entropy, into text: UnsafeMutableRawBufferPointer) {
        var bytes: (UInt64, UInt64) = entropy.take(16) { random in
            (random.loadUnaligned(as: UInt64.self), random.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
        }
        bytes.0 = UInt64(bitPattern: instant.milliseconds) << 16 | 0x7000 | bytes.0 & 0x0FFF
        bytes.1 = 1 << 63 | bytes.1 & (1 << 62 - 1)
        var column = 0
        for nibble in 0..<32 {
            if nibble == 8 || nibble == 12 || nibble == 16 || nibble == 20 {
                text[column] = UInt8(ascii: "-")
                column += 1
            }
            let word = nibble < 16 ? bytes.0 : bytes.1
            let value = UInt8(truncatingIfNeeded: word >> UInt64(60 - nibble % 16 * 4)) & 0xF
            text[column] = value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
            column += 1
        }
    }
}

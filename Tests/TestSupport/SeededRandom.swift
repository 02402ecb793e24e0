import Glibc

/// Randomness that can be had again: the seed is printed, and taken back from `ANNALS_SEED`.
package struct SeededRandom: RandomNumberGenerator {
    package let seed: UInt64
    private var state: UInt64

    /// - Parameters:
    ///   - test: stands before the seed on the page.
    package init(for test: String) {
        let given = getenv("ANNALS_SEED").flatMap { UInt64(String(cString: $0)) }
        self.init(seed: given ?? .random(in: .min ... .max))
        print("\(test): ANNALS_SEED=\(seed)")
    }

    /// Of a thread whose test has printed the seed that this one comes from.
    package init(seed: UInt64) {
        self.seed = seed
        state = seed
    }

    /// SplitMix64 (https://prng.di.unimi.it/splitmix64.c).
    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    package mutating func chance(of one: Int, in all: Int) -> Bool { Int.random(in: 0..<all, using: &self) < one }

    package mutating func bytes(_ count: Int) -> [UInt8] { (0..<count).map { _ in UInt8(truncatingIfNeeded: next()) } }
}

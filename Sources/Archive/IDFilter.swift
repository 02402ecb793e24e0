/// A blocked Bloom filter (Putze, Sanders, Singler 2007) that grows: each fingerprint sets two bits in each of four words side by side.
///
/// 16 bits a fingerprint, of which about one in a thousand strangers is taken for "perhaps": whoever is has to be looked for in every run of a
/// partition's ids, which takes a hundred times as long as all else that an append does. Full levels are kept, and a level of eight times the
/// size begins: each that has to be looked into costs a wait for memory.
struct IDFilter {
    private var levels = [Level(blocks: Self.firstBlocks)]

    private static let firstBlocks = 1 << 8
    /// 32 MiB. Levels beyond it are as large, or a day's last level could be larger than all the rest of the daemon.
    private static let blocksMax = 1 << 20

    func mayContain(_ fingerprint: UInt64) -> Bool {
        let bits = Bits(of: fingerprint)
        for level in levels where level.has(bits) { return true }
        return false
    }

    mutating func insert(_ fingerprint: UInt64) {
        levels[levels.count - 1].insert(Bits(of: fingerprint))
        guard let last = levels.last, last.isFull else { return }
        levels.append(Level(blocks: min(last.blocks * 8, Self.blocksMax)))
    }

    /// Takes all that another has. What comes next goes where it went before.
    mutating func join(_ other: IDFilter) { levels.insert(contentsOf: other.levels, at: 0) }

    /// Where a fingerprint is noted, and how.
    private struct Bits {
        /// Only its lower bits are used.
        let block: UInt64
        /// Four times two numbers of bits, six bits each.
        let marks: UInt64

        init(of fingerprint: UInt64) {
            block = fingerprint
            // Whatever the block is, these depend on what it leaves open: on all higher bits.
            marks = (fingerprint &* 0x9E37_79B9_7F4A_7C15) >> 16
        }

        func mask(_ word: Int) -> UInt64 {
            let pair = marks >> UInt64(word * 12)
            return 1 << (pair & 63) | 1 << (pair >> 6 & 63)
        }
    }

    /// Blocks of four words, in chunks that are made when their first block is needed: nobody waits until millions of zeros are written.
    private struct Level {
        let blocks: Int
        private var chunks: [[UInt64]]
        private let chunkBlocks: Int
        private var count = 0

        private static let chunkBlocksMax = 1 << 11
        private static let perBlock = 16
        private static let wordsOfBlock = 4

        /// - Parameter blocks: a power of two.
        init(blocks: Int) {
            self.blocks = blocks
            chunkBlocks = min(blocks, Self.chunkBlocksMax)
            chunks = [[UInt64]](repeating: [], count: blocks / chunkBlocks)
        }

        var isFull: Bool { count >= blocks * Self.perBlock }

        func has(_ bits: Bits) -> Bool {
            let (chunk, start) = place(of: bits)
            if chunks[chunk].isEmpty { return false }
            for word in 0..<Self.wordsOfBlock {
                let mask = bits.mask(word)
                if chunks[chunk][start + word] & mask != mask { return false }
            }
            return true
        }

        mutating func insert(_ bits: Bits) {
            let (chunk, start) = place(of: bits)
            if chunks[chunk].isEmpty { chunks[chunk] = [UInt64](repeating: 0, count: chunkBlocks * Self.wordsOfBlock) }
            for word in 0..<Self.wordsOfBlock { chunks[chunk][start + word] |= bits.mask(word) }
            count += 1
        }

        private func place(of bits: Bits) -> (chunk: Int, start: Int) {
            let block = Int(truncatingIfNeeded: bits.block) & (blocks - 1)
            return (block / chunkBlocks, block % chunkBlocks * Self.wordsOfBlock)
        }
    }
}

package import LMDB

/// Of partitions into which nothing comes at present, which message ids they may have: a table of the state file.
///
/// Key: partition (i32 in a word). Value: the words of a `PartitionFilter`. A partition without a row may have anything, so what is
/// missing here costs time and never an answer. Whatever is folded into a partition takes its row away, in the state's own transaction;
/// upkeep makes another when the partition has come to rest.
package struct PartitionFilters: Sendable {
    package static let tableName = "filters"

    private let table: Table

    package init(in environment: Environment) { table = environment.table(named: Self.tableName) }

    /// Of some partitions, in their order, those that may have a message of this fingerprint, or a reading of one.
    package func candidates(
        for message: Fingerprint, among partitions: [Int32], _ reader: Reader
    ) throws(LMDBError) -> [Int32] {
        var found: [Int32] = []
        for partition in partitions {
            let key = Self.key(of: partition)
            let mayContain = try reader.lend(key.span.bytes, in: table) { PartitionFilter.mayContain(message, words: $0) }
            if mayContain ?? true { found.append(partition) }
        }
        return found
    }

    package func has(_ partition: Int32, _ reader: Reader) throws(LMDBError) -> Bool {
        let key = Self.key(of: partition)
        return try reader.contains(key.span.bytes, in: table)
    }

    /// Those that have a row; nil if there is a row of what can be none.
    package func partitions(_ reader: Reader) throws(LMDBError) -> [Int32]? {
        var found: [Int32] = []
        var cursor = try reader.cursor(in: table)
        while try cursor.next() {
            guard cursor.key.byteCount == 8, let word = cursor.key.word(0), let number = UInt32(exactly: word) else { return nil }
            found.append(Int32(bitPattern: number))
        }
        return found
    }

    /// Nil where no row is.
    package func filter(of partition: Int32, _ reader: Reader) throws(LMDBError) -> PartitionFilter? {
        let key = Self.key(of: partition)
        return try reader.lend(key.span.bytes, in: table) { PartitionFilter(words: $0) }
    }

    package func put(_ filter: PartitionFilter, of partition: Int32, _ transaction: inout WriteTransaction) throws(LMDBError) {
        let key = Self.key(of: partition)
        try transaction.put(filter.words.span.bytes, for: key.span.bytes, in: table)
    }

    package func forget(_ partition: Int32, _ transaction: inout WriteTransaction) throws(LMDBError) {
        let key = Self.key(of: partition)
        _ = try transaction.delete(key.span.bytes, in: table)
    }

    private static func key(of partition: Int32) -> Words<1> { [UInt64(UInt32(bitPattern: partition)).bigEndian] }
}

/// A register-blocked Bloom filter (Putze, Sanders, Singler 2007) of known size: each fingerprint sets four bits of one word.
///
/// 12 bits a fingerprint, of which about one in a hundred strangers is taken for "perhaps".
package struct PartitionFilter: Hashable, Sendable {
    /// As they are stored: big-endian.
    fileprivate var words: [UInt64]

    private static let bitsEach = 12

    /// - Parameter count: how many fingerprints there will be.
    package init(count: Int) { words = [UInt64](repeating: 0, count: count * Self.bitsEach / 64 + 1) }

    fileprivate init(words: RawSpan) {
        self.words = (0..<words.byteCount / 8).map { unsafe words.unsafeLoadUnaligned(fromByteOffset: $0 * 8, as: UInt64.self) }
    }

    package mutating func insert(_ fingerprint: Fingerprint) {
        words[Self.index(of: fingerprint, in: words.count)] |= Self.bits(of: fingerprint).bigEndian
    }

    fileprivate static func mayContain(_ fingerprint: Fingerprint, words: RawSpan) -> Bool {
        let bits = bits(of: fingerprint)
        // A row that cannot be one says nothing.
        guard let word = words.word(index(of: fingerprint, in: words.byteCount / 8)) else { return true }
        return word & bits == bits
    }

    /// The upper half, spread over so many words.
    private static func index(of fingerprint: Fingerprint, in count: Int) -> Int {
        Int((fingerprint.rawValue >> 32).multipliedFullWidth(by: UInt64(count) << 32).high)
    }

    private static func bits(of fingerprint: Fingerprint) -> UInt64 {
        let low = fingerprint.rawValue
        return 1 << (low & 63) | 1 << (low >> 6 & 63) | 1 << (low >> 12 & 63) | 1 << (low >> 18 & 63)
    }
}

/// The records under the leaves of a tile, each behind its length (https://c2sp.org/tlog-tiles).
package struct EntryBundle: Hashable, Sendable {
    /// What a length of two bytes can say.
    package static let entryBytesMax = Int(UInt16.max)

    /// 1 to 256.
    package let entries: [[UInt8]]

    package init(_ entries: [[UInt8]]) throws(EntryBundleFault) {
        guard (1...TilePlace.fullWidth).contains(entries.count) else { throw .wrongCount }
        for (index, entry) in entries.enumerated() where entry.count > Self.entryBytesMax { throw .entryTooLong(index: index) }
        self.entries = entries
    }

    package init(parsing bytes: [UInt8]) throws(EntryBundleFault) {
        var entries: [[UInt8]] = []
        var rest = bytes[...]
        while let high = rest.popFirst() {
            guard let low = rest.popFirst() else { throw .truncated }
            let count = Int(high) << 8 | Int(low)
            guard rest.count >= count else { throw .truncated }
            entries.append(Array(rest.prefix(count)))
            rest.removeFirst(count)
        }
        try self.init(entries)
    }

    /// For each entry its length in two bytes, the high one first, and the entry itself.
    package var bytes: [UInt8] {
        entries.flatMap { [UInt8(truncatingIfNeeded: $0.count >> 8), UInt8(truncatingIfNeeded: $0.count)] + $0 }
    }

    /// The tile of level 0 over its entries.
    package var leafHashes: [TreeHash] { entries.map { $0.withUnsafeBytes(TreeHash.init(leaf:)) } }
}

/// Why entries are no bundle.
package enum EntryBundleFault: Error, Equatable, Sendable {
    /// Fewer than 1 or more than 256.
    case wrongCount
    /// The length of the entry, counted from 0, does not fit into two bytes.
    case entryTooLong(index: Int)
    /// The bytes end inside of a length or an entry.
    case truncated
}

/// The hashes of a tile: 1 to 256 complete subtrees of one level, side by side (https://c2sp.org/tlog-tiles).
///
/// The levels between those of the tiles are in none of them: they are hashed again from the level below.
package struct HashTile: Hashable, Sendable {
    package let hashes: [TreeHash]

    /// Nil for none and for more than 256.
    package init?(_ hashes: [TreeHash]) {
        guard (1...TilePlace.fullWidth).contains(hashes.count) else { return nil }
        self.hashes = hashes
    }

    /// Nil unless there are the bytes of 1 to 256 hashes.
    package init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count.isMultiple(of: TreeHash.byteCount) else { return nil }
        self.init(
            stride(from: 0, to: bytes.count, by: TreeHash.byteCount).compactMap { start in
                TreeHash(UnsafeRawBufferPointer(rebasing: bytes[start..<start + TreeHash.byteCount]))
            })
    }

    /// 32 for each hash; 8,192 for a full tile.
    package var bytes: [UInt8] { hashes.flatMap { hash in hash.withUnsafeBytes { [UInt8]($0) } } }

    /// The hash of a subtree whose tile this is (`TreeNode.tile`); nil when the tile does not reach so far.
    package func hash(of node: TreeNode) -> TreeHash? {
        let places = node.placesInTile
        return places.upperBound <= hashes.count ? TreeHash(rootOf: hashes[places]) : nil
    }
}

/// Where a node's hash is, or what it is computed from.
extension TreeNode {
    /// The nodes that are stored and that this one is the root of: 1 to 128 of one level, which is a multiple of 8, side by side.
    /// This node itself where its level is one.
    package var stored: (level: Int, indices: Range<UInt64>) {
        let rise = UInt64(level % 8)
        return (level - level % 8, index << rise..<(index + 1) << rise)
    }

    /// The tile that holds them: its level among the tiles, and its index.
    package var tile: (level: Int, index: UInt64) { (level / 8, stored.indices.lowerBound >> 8) }

    fileprivate var placesInTile: Range<Int> {
        let first = Int(stored.indices.lowerBound & 255)
        return first..<first + stored.indices.count
    }
}

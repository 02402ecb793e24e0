import Merkle
import TestSupport
import Testing

@Suite("HashTile")
struct HashTileTests {
    @Test("a tile comes back from its bytes, 32 a hash")
    func roundTrips() throws {
        let leaves = NaiveTree(count: 256).leaves
        for width in [1, 2, 255, 256] {
            let tile = try #require(HashTile(Array(leaves[..<width])))
            #expect(tile.bytes.count == 32 * width)
            #expect(tile.bytes.withUnsafeBytes { HashTile($0) } == tile)
        }
    }

    @Test("no hashes, half a hash, or more than 256 are no tile")
    func malformed() {
        for count in [0, 1, 31, 33, 8_191, 8_193, 8_224] {
            #expect([UInt8](repeating: 0, count: count).withUnsafeBytes { HashTile($0) } == nil, "\(count)")
        }
        #expect(HashTile([]) == nil)
        #expect(HashTile(Array(repeating: .empty, count: 257)) == nil)
    }

    @Test("every subtree, root and proof of a tree is computed from its tiles alone")
    func tilesAreEnough() throws {
        let size = 66_000
        let leaves = NaiveTree(count: size).leaves
        let stored = StoredTree(leaves)
        let tiles = try TiledTree(stored, TreeSize(UInt64(size)))
        var random = SeededRandom(for: "proofs from tiles")
        let head = try TreeHead(size: TreeSize(UInt64(size)), reading: tiles.hash)
        #expect(head == stored.frontier.head)
        for _ in 0..<20 {
            let leaf = Int.random(in: 0..<size, using: &random)
            let inclusion = try InclusionProof(of: LeafIndex(UInt64(leaf)), in: head.size, reading: tiles.hash)
            #expect(try inclusion == stored.inclusion(leaf, size))
            let earlier = TreeSize(UInt64(leaf + 1))
            let consistency = try ConsistencyProof(from: earlier, to: head.size, reading: tiles.hash)
            #expect(try consistency == stored.consistency(leaf + 1, size))
        }
    }

    @Test("a node between the levels of tiles is hashed from the level below it")
    func storedNodes() {
        #expect(TreeNode(level: 0, index: 7).stored == (0, 7..<8))
        #expect(TreeNode(level: 3, index: 2).stored == (0, 16..<24))
        #expect(TreeNode(level: 7, index: 3).stored == (0, 384..<512))
        #expect(TreeNode(level: 8, index: 3).stored == (8, 3..<4))
        #expect(TreeNode(level: 17, index: 200).stored == (16, 400..<402))
        #expect(TreeNode(level: 17, index: 200).tile == (2, 1))
        #expect(TreeNode(level: 7, index: 3).tile == (0, 1))
    }

    @Test("a partial tile has no subtree that it does not reach")
    func partial() throws {
        let leaves = NaiveTree(count: 6).leaves
        let tile = try #require(HashTile(leaves))
        #expect(tile.hash(of: TreeNode(level: 0, index: 5)) == leaves[5])
        #expect(tile.hash(of: TreeNode(level: 1, index: 2)) == TreeHash(left: leaves[4], right: leaves[5]))
        #expect(tile.hash(of: TreeNode(level: 0, index: 6)) == nil)
        #expect(tile.hash(of: TreeNode(level: 2, index: 1)) == nil)
        #expect(tile.hash(of: TreeNode(level: 3, index: 0)) == nil)
    }
}

/// A tree of which only the tiles are kept, as bytes under their paths.
private struct TiledTree {
    private var tiles: [String: [UInt8]] = [:]
    private let size: TreeSize

    struct Missing: Error {}

    init(_ stored: StoredTree, _ size: TreeSize) throws {
        self.size = size
        for level in 0...7 {
            var index: UInt64 = 0
            while let place = TilePlace(.hashes(level: level), index: index, in: size) {
                let hashes = try (place.nodes ?? []).map(stored.hash)
                tiles[place.path] = HashTile(hashes)?.bytes
                index += 1
            }
        }
    }

    func hash(of node: TreeNode) throws(Missing) -> TreeHash {
        let (level, index) = node.tile
        guard let place = TilePlace(.hashes(level: level), index: index, in: size),
            let hash = tiles[place.path]?.withUnsafeBytes({ HashTile($0) })?.hash(of: node)
        else { throw Missing() }
        return hash
    }
}

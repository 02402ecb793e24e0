import Merkle
import TestSupport
import Testing

@Suite("TilePlace")
struct TilePlaceTests {
    @Test(
        "a tile has the path that the specification gives it, and no other",
        arguments: [
            (TilePlace.Kind.hashes(level: 0), 1_234_067, 256, "tile/0/x001/x234/067"),
            (.hashes(level: 0), 1_234_067, 112, "tile/0/x001/x234/067.p/112"),
            (.hashes(level: 0), 0, 256, "tile/0/000"),
            (.hashes(level: 1), 5, 17, "tile/1/005.p/17"),
            (.hashes(level: 63), 999, 1, "tile/63/999.p/1"),
            (.hashes(level: 2), 1_000, 255, "tile/2/x001/000.p/255"),
            (.hashes(level: 10), 999_999, 256, "tile/10/x999/999"),
            (.entries, 1_000_000, 256, "tile/entries/x001/x000/000"),
            (.entries, 273, 112, "tile/entries/273.p/112"),
            (.hashes(level: 0), TilePlace.indexMax, 256, "tile/0/x072/x057/x594/x037/x927/935"),
        ] as [(TilePlace.Kind, UInt64, Int, String)])
    func paths(_ kind: TilePlace.Kind, _ index: UInt64, _ width: Int, _ path: String) throws {
        let tile = try #require(TilePlace(kind, index: index, width: width))
        #expect(tile.path == path)
        #expect(TilePlace(path: path) == tile)
    }

    @Test(
        "a path that is spelled another way is none",
        arguments: [
            "", "tile", "tile/0", "tile/0/", "/tile/0/000", "tile/0/000/", "tiles/0/000", "tile/00/000", "tile/01/000", "tile/64/000",
            "tile/-1/000", "tile/+1/000", "tile/x0/000", "tile/Entries/000", "tile/0/0", "tile/0/00", "tile/0/0000", "tile/0/x000",
            "tile/0/000/000", "tile/0/x000/000", "tile/0/x00/001", "tile/0/x001/x000", "tile/0/xx001/000", "tile/0/x001000",
            "tile/0/+00", "tile/0/-01", "tile/0/00a", "tile/0/000.p", "tile/0/000.p/", "tile/0/000.p/0", "tile/0/000.p/00",
            "tile/0/000.p/01", "tile/0/000.p/256", "tile/0/000.p/257", "tile/0/000.p/-1", "tile/0/000.p/1/1", "tile/0/.p/1",
            "tile/0/x000.p/001", "tile/0/x001.p/1", "tile/0/000p/1", "tile/0/x072/x057/x594/x037/x927/936",
            "tile/0/x018/x446/x744/x073/x709/x551/616", "tile//000", "tile/0//000", "tile/entries", "tile/0/\u{FF10}00",
        ])
    func malformed(_ path: String) {
        #expect(TilePlace(path: path) == nil)
    }

    @Test("a tile of any level, index and width comes back from its path")
    func roundTrips() throws {
        var random = SeededRandom(for: "paths of tiles")
        for _ in 0..<2_000 {
            let index = (random.next() >> 8) >> UInt64.random(in: 0..<56, using: &random)
            let level = Int.random(in: -1...63, using: &random)
            let tile = try #require(
                TilePlace(level < 0 ? .entries : .hashes(level: level), index: index, width: Int.random(in: 1...256, using: &random)))
            #expect(TilePlace(path: tile.path) == tile)
        }
    }

    @Test("a tree of 70,000 has the tiles that the specification counts, and one of 256 has two")
    func specification() {
        #expect(Self.tiles(in: 70_000).count == 273 + 1 + 1 + 1 + 1)
        let partial = Self.tiles(in: 70_000).filter { !$0.isFull }.map(\.path)
        #expect(partial == ["tile/0/273.p/112", "tile/1/001.p/17", "tile/2/000.p/1"])
        #expect(Self.tiles(in: 256).map(\.path) == ["tile/0/000", "tile/1/000.p/1"])
        #expect(Self.tiles(in: 0).isEmpty)
        #expect(Self.tiles(in: 1).map(\.path) == ["tile/0/000.p/1"])
    }

    @Test("at the end of 64 bits nothing overflows")
    func limits() throws {
        let size = TreeSize(.max)
        #expect(TilePlace(.hashes(level: 0), index: TilePlace.indexMax, in: size)?.width == 255)
        #expect(TilePlace(.entries, index: TilePlace.indexMax + 1, in: size) == nil)
        #expect(TilePlace(.entries, index: .max, in: size) == nil)
        #expect(TilePlace(.hashes(level: 7), index: 0, in: size)?.width == 255)
        #expect(TilePlace(.hashes(level: 8), index: 0, in: size) == nil)
        #expect(TilePlace(.hashes(level: 63), index: 0, in: size) == nil)
        #expect(TilePlace(.hashes(level: 64), index: 0) == nil)
        #expect(TilePlace(.hashes(level: -1), index: 0) == nil)
        #expect(TilePlace(.entries, index: 0, width: 0) == nil)
        #expect(TilePlace(.entries, index: 0, width: 257) == nil)
        #expect(try #require(TilePlace(.hashes(level: 8), index: 0)).nodes == nil)
    }

    @Test("the nodes of a tree's tiles are its complete subtrees of every eighth level, each in one tile")
    func nodes() {
        let size = TreeSize(70_000)
        let nodes = Self.tiles(in: 70_000).flatMap { $0.nodes ?? [] }
        #expect(nodes.count == 70_000 + 273 + 1)
        #expect(Set(nodes).count == nodes.count)
        #expect(nodes.allSatisfy { $0.isComplete(in: size) && $0.level.isMultiple(of: 8) })
    }

    private static func tiles(in leaves: UInt64) -> [TilePlace] {
        (0...3).flatMap { level in
            (0..<300).compactMap { TilePlace(.hashes(level: level), index: $0, in: TreeSize(leaves)) }
        }
    }
}

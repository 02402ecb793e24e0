import Events
import FoundationEssentials
import Merkle
import TestSupport
import Testing

@testable import Ledger

@Suite("Tombstone")
struct TombstoneTests {
    private func stones(_ folder: TemporaryFolder) throws -> Tombstones { try Tombstones(folder: folder.path, length: .day) }

    /// A stone of events 3, 4 and 9, of which 4 stays.
    private func made(_ stones: Tombstones, after old: Tombstone? = nil, positions: [UInt64] = [3, 4, 9]) throws -> Tombstone {
        var draft = try TombstoneDraft(of: january(1), at: stones.draft(of: january(1)))
        if let old { try draft.extend(old, stones.file(of: january(1))) }
        var totals = PartitionTotals(first: Position(positions[0]))
        for position in positions {
            try record(position).withUnsafeBytes { try draft.add(Position(position), $0, isKept: position == 4) }
            totals.last = Position(position)
            totals.events += 1
        }
        return try draft.finish(totals)
    }

    private func record(_ position: UInt64) -> [UInt8] { Array("record \(position)".utf8) }

    private func leaf(_ position: UInt64) -> TreeHash { record(position).withUnsafeBytes { TreeHash(leaf: $0) } }

    @Test("what is raised is read again: runs, hashes, and the records that stay")
    func raised() throws {
        let folder = try TemporaryFolder()
        let before = try stones(folder)
        let stone = try made(before)
        #expect(before[january(1)] == nil)
        try before.raise(stone)
        let after = try stones(folder)
        let found = try #require(after[january(1)])
        #expect(found == stone)
        #expect(found.runs.map { [$0.first.rawValue, $0.last.rawValue] } == [[3, 4], [9, 9]])
        #expect([2, 3, 4, 5, 8, 9, 10].map { found.run(of: Position($0)) != nil } == [false, true, true, false, false, true, false])
        #expect(found.record(at: Position(4)) == record(4))
        #expect(found.record(at: Position(3)) == nil)
        var hashes: [TreeHash] = []
        try after.file(of: january(1)).forEachSlice(of: found) { hashes += $0 }
        #expect(hashes == [3, 4, 9].map(leaf))
        #expect(found.root == TreeHash(left: TreeHash(left: leaf(3), right: leaf(4)), right: leaf(9)))
    }

    @Test("a second stone of a partition holds the events of both times")
    func extended() throws {
        let folder = try TemporaryFolder()
        let stones = try stones(folder)
        let first = try made(stones)
        try stones.raise(first)
        let second = try made(stones, after: first, positions: [10, 20])
        try stones.raise(second)
        #expect(second.totals.events == 5)
        #expect((second.totals.first, second.totals.last) == (Position(3), Position(20)))
        #expect(second.runs.map { [$0.first.rawValue, $0.last.rawValue] } == [[3, 4], [9, 10], [20, 20]])
        var hashes: [TreeHash] = []
        try stones.file(of: january(1)).forEachSlice(of: second) { hashes += $0 }
        #expect(hashes == [3, 4, 9, 10, 20].map(leaf))
    }

    @Test("a byte changed anywhere but in the hashes, or the file cut short, is damage and no stone")
    func damage() throws {
        let folder = try TemporaryFolder()
        let stone = try made(try stones(folder))
        let file = try stones(folder).draft(of: january(1))
        let bytes = [UInt8](try Data(contentsOf: URL(filePath: file.path)))
        let hashes = Tombstone.headerBytes..<Tombstone.headerBytes + 3 * TreeHash.byteCount
        for index in bytes.indices where !hashes.contains(index) {
            var changed = bytes
            changed[index] ^= 1
            try Data(changed).write(to: URL(filePath: file.path))
            #expect(throws: LedgerFailure.self, "byte \(index)") { try file.read(january(1)) }
        }
        for count in 0..<bytes.count {
            try Data(bytes.prefix(count)).write(to: URL(filePath: file.path))
            #expect(throws: LedgerFailure.self, "\(count) bytes") { try file.read(january(1)) }
        }
        try Data(bytes).write(to: URL(filePath: file.path))
        #expect(try file.read(january(1)) == stone)
        #expect(throws: LedgerFailure.self) { try file.read(january(2)) }
    }
}

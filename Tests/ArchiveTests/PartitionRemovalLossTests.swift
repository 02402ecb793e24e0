import Events
import FoundationEssentials
import Ledger
import Testing

@testable import Archive

/// Files that are lost, or come from another backup than the rest.
@Suite("Losses around removed partitions")
struct PartitionRemovalLossTests {
    private let files = FileManager.default

    /// An archive whose first partition was removed, and made again by an import.
    private func reborn() throws -> Scratch {
        let scratch = try Scratch.forgetful()
        scratch.send([Scratch.Post("a"), Scratch.Post("b")])
        scratch.live(days: 187)
        scratch.send(Scratch.Post("late").with { $0.at = Scratch.start })
        scratch.archive.flush()
        #expect(scratch.hasFirstPartition && scratch.removals == 1)
        return scratch
    }

    private func stone(_ scratch: Scratch) -> String { scratch.path + "/partitions/2026-11-23.tombstone" }

    private func refused(_ words: String, _ deed: () throws -> Void) {
        let failure = #expect(throws: ArchiveFailure.self) { try deed() }
        #expect(failure.map { "\($0)".contains(words) } == true, "\(failure.map { "\($0)" } ?? "nothing")")
    }

    @Test("a lost tombstone is missed though an import has made its partition again")
    func lostStone() throws {
        let scratch = try reborn()
        let events = try scratch.allEvents()
        try scratch.close()
        try files.moveItem(atPath: stone(scratch), toPath: stone(scratch) + ".away")
        refused("2026-11-23.tombstone: is not there") { try scratch.open() }
        try files.moveItem(atPath: stone(scratch) + ".away", toPath: stone(scratch))
        try scratch.open()
        #expect(try scratch.allEvents() == events)
    }

    @Test("a tombstone from before the partition's last removal is missed as well")
    func olderStone() throws {
        let scratch = try reborn()
        let old = try Data(contentsOf: URL(filePath: stone(scratch)))
        scratch.live(days: 2)
        scratch.send(Scratch.Post("later").with { $0.at = Scratch.start })
        try scratch.close()
        let new = try Data(contentsOf: URL(filePath: stone(scratch)))
        #expect(old != new)
        try old.write(to: URL(filePath: stone(scratch)))
        refused("2026-11-23.tombstone: is not there") { try scratch.open() }
        try new.write(to: URL(filePath: stone(scratch)))
        try scratch.open()
        #expect(try scratch.message("later") != nil)
    }

    @Test("a rebuild refuses a gap that no journal fills, by name, and changes nothing", arguments: [1, 3] as [UInt64])
    func gap(first: UInt64) throws {
        let scratch = try reborn()
        let digest = try scratch.archive.digest().get()
        // The first is in the tombstone, and the other in a partition that stays.
        let extent = try #require(try scratch.archive.core.store.extent(of: Position(first)))
        let name = first == 1 ? stone(scratch) : scratch.archive.core.store.shelf.path(of: extent.partition)
        try scratch.close()
        try files.moveItem(atPath: name, toPath: name + ".away")
        try files.removeItem(atPath: scratch.path + "/journal")
        let state = try Data(contentsOf: URL(filePath: scratch.path + "/state.mdb"))
        refused("positions \(extent.first) to \(extent.last)") { try scratch.rebuild() }
        #expect(try Data(contentsOf: URL(filePath: scratch.path + "/state.mdb")) == state)
        try files.moveItem(atPath: name + ".away", toPath: name)
        try scratch.rebuild()
        try scratch.open()
        #expect(try scratch.archive.digest().get() == digest)
    }

    @Test("what the journal has does not fill a gap in the midst of a partition: it was there, and is lost")
    func gapInPartition() throws {
        let scratch = try reborn()
        try scratch.close()
        try files.moveItem(atPath: stone(scratch), toPath: stone(scratch) + ".away")
        refused("2026-11-23") { try scratch.rebuild() }
        try files.moveItem(atPath: stone(scratch) + ".away", toPath: stone(scratch))
        try scratch.rebuild()
        try scratch.open()
    }

    @Test("what was folded before a tombstone was made, the journal does not give back: the state begins behind it")
    func gapBeforeTombstone() throws {
        let scratch = try reborn()
        scratch.live(days: 2)
        #expect(!scratch.hasFirstPartition)
        let extent = try #require(try scratch.archive.core.store.extent(of: Position(3)))
        let name = scratch.archive.core.store.shelf.path(of: extent.partition)
        let events = try scratch.allEvents()
        try scratch.close()
        try files.moveItem(atPath: name, toPath: name + ".away")
        refused("positions \(extent.first) to \(extent.last)") { try scratch.rebuild() }
        try files.moveItem(atPath: name + ".away", toPath: name)
        try scratch.rebuild()
        try scratch.open()
        #expect(try scratch.allEvents() == events)
    }
}

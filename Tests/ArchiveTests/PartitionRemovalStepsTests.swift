import Events
import FoundationEssentials
import LMDB
import Ledger
import Merkle
import Synchronization
import Testing

@testable import Archive

/// A removal taken step by step, and what may come between two of them.
@Suite("Steps of a partition's removal")
struct PartitionRemovalStepsTests {
    private let files = FileManager.default

    /// An archive whose first partition may leave, a later one, and the steps for the first. Nothing is folded unless it is asked for.
    private func ready(_ change: (inout ArchiveOptions) -> Void = { _ in }) throws -> (scratch: Scratch, removal: PartitionRemoval) {
        let scratch = try Scratch.forgetful { options in
            options.foldMilliseconds = 3_600_000
            change(&options)
        }
        _ = try scratch.keep(.conversation(try TenantID("acme"), try ConversationID("kept")), "forever")
        scratch.send((0..<5).map { Scratch.Post("m\($0)") })
        scratch.live(days: Scratch.purgedDays)
        scratch.send(Scratch.Post("now"))
        scratch.archive.flush()
        return (scratch, steps(scratch))
    }

    private func steps(_ scratch: Scratch) -> PartitionRemoval {
        PartitionRemoval(core: scratch.archive.core, id: scratch.firstPartition)
    }

    private func draft(_ removal: PartitionRemoval) throws -> PartitionRemove {
        try #require(try removal.draft(PurgeOptions.trailPeriodLeast))
    }

    /// Up to the event, which is on disk.
    private func log(_ removal: PartitionRemoval, _ scratch: Scratch) throws -> PartitionRemove {
        let event = try draft(removal)
        #expect(scratch.archive.upkeep.append(.removal(event), by: .system).isAppended)
        scratch.archive.flush()
        return event
    }

    private func draftPath(_ scratch: Scratch) -> String { scratch.archive.core.store.tombstones.draft(of: scratch.firstPartition).path }
    private func stonePath(_ scratch: Scratch) -> String { scratch.archive.core.store.tombstones.file(of: scratch.firstPartition).path }

    @Test("a message that only the journal has is not removed with the partition that it is folded into")
    func journaled() throws {
        let (scratch, _) = try ready()
        scratch.clock.advance(days: 10)
        scratch.rule(
            .place(
                HoldPlace(
                    id: try HoldID("h"),
                    coverage: Coverage(tenant: try TenantID("acme"), conversation: try ConversationID("kept")), matter: "7",
                    reason: "court")))
        scratch.archive.flush()
        let precious = Scratch.Post("precious").with {
            $0.conversation = "kept"
            $0.at = Scratch.start
        }
        #expect(scratch.send(precious).isAppended)
        scratch.archive.upkeep.tick()
        scratch.archive.flush()
        #expect(try scratch.message("precious")?.body == Array("hello".utf8))
        #expect(scratch.removals == 0)
        #expect(scratch.archive.upkeepStatus().lastError == nil)
    }

    @Test("a file that holds a body when it is to go does not go, and the removal is told of")
    func lastLook() throws {
        let (scratch, removal) = try ready()
        let event = try log(removal, scratch)
        let body = Array("sealed".utf8)
        _ = try scratch.archive.core.store.shelf.write(to: scratch.firstPartition) { partition, transaction in
            try partition.putBody(event.last, body.span.bytes, &transaction)
        }
        let failure = #expect(throws: ArchiveFailure.self) { try removal.finish(event) }
        #expect(failure.map { "\($0)".contains("2026-11-23.mdb") } == true)
        #expect(scratch.hasFirstPartition)
    }

    @Test("a write of which nobody knows whether it is on disk leaves the draft, which the event may name")
    func unknownOutcome() throws {
        let (scratch, _) = try ready()
        failAtTheEvent(scratch)
        #expect(files.fileExists(atPath: draftPath(scratch)))
        #expect(throws: ArchiveFailure.self) { try scratch.close() }
        try scratch.open()
        scratch.lendAppender()
        scratch.archive.upkeep.tick()
        #expect(!scratch.hasFirstPartition && scratch.removals == 1)
        #expect(!files.fileExists(atPath: draftPath(scratch)))
    }

    private func failAtTheEvent(_ scratch: Scratch) {
        let core = scratch.archive.core
        nonisolated(unsafe) let appender = scratch.appender  // Safe, because everything happens on this thread.
        scratch.archive.upkeep.attach { work in
            core.giveUp(.folder(path: "the disk", reason: "is gone"))
            work(appender)
        }
        scratch.clock.advance(days: 10)
        scratch.archive.upkeep.tick()
    }

    @Test("a removal that the log knows and whose draft is lost, or is none, is drafted again", arguments: [[UInt8]?.none, [], [1, 2, 3]])
    func lostDraft(bytes: [UInt8]?) throws {
        let (scratch, removal) = try ready()
        let event = try log(removal, scratch)
        let name = "/partitions/2026-11-23.tombstone.new"
        try scratch.crash { copy in
            try files.removeItem(atPath: copy + name)
            if let bytes { try Data(bytes).write(to: URL(filePath: copy + name)) }
        }
        scratch.lendAppender()
        scratch.archive.upkeep.tick()
        #expect(scratch.archive.upkeepStatus().lastError == nil)
        #expect(!scratch.hasFirstPartition)
        #expect(scratch.archive.core.store.tombstones[scratch.firstPartition]?.digest == event.digest)
        try scratch.expectRebuiltAlike()
    }

    @Test("a tombstone that has its place already, and of which nobody heard, is taken")
    func raisedUnheard() throws {
        let (scratch, removal) = try ready()
        let event = try log(removal, scratch)
        // As when the folder's sync failed behind the renaming.
        try files.moveItem(atPath: draftPath(scratch), toPath: stonePath(scratch))
        try removal.finish(event)
        #expect(!scratch.hasFirstPartition && scratch.removals == 1)
    }

    @Test("without draft and without partition a removal says so, again and again, and everything else goes on")
    func nothingLeft() throws {
        let (scratch, removal) = try ready()
        let event = try log(removal, scratch)
        try files.removeItem(atPath: draftPath(scratch))
        _ = try scratch.archive.core.store.shelf.remove(scratch.firstPartition)
        for _ in 0..<2 {
            let failure = #expect(throws: ArchiveFailure.self) { try removal.finish(event) }
            #expect(failure.map { "\($0)".contains("restore") } == true)
        }
        #expect(scratch.send(Scratch.Post("later")).isAppended)
    }

    @Test("behind a flush that folded nothing a removal waits")
    func unfolded() throws {
        let (scratch, _) = try ready()
        scratch.clock.advance(days: 10)
        let deaf = try Upkeep(scratch.archive.core) { _ in }
        nonisolated(unsafe) let appender = scratch.appender  // Safe, because everything happens on this thread.
        deaf.attach { work in work(appender) }
        let now = scratch.archive.core.now
        let failure = #expect(throws: ArchiveFailure.self) { try deaf.removeIfDue(scratch.firstPartition, at: now) }
        #expect(failure.map { "\($0)".contains("is not folded") } == true)
        #expect(scratch.hasFirstPartition && scratch.removals == 0)
        scratch.archive.upkeep.tick()
        #expect(!scratch.hasFirstPartition && scratch.removals == 1)
        #expect(scratch.archive.upkeepStatus().lastError == nil)
    }

    private static func damage(_ path: String) throws {
        var bytes = try Data(contentsOf: URL(filePath: path))
        bytes[20] ^= 1
        try bytes.write(to: URL(filePath: path))
    }

    @Test("hashes that do not make the root take no partition's place: it is drafted again", arguments: [false, true])
    func damagedHashes(isRaised: Bool) throws {
        let (scratch, removal) = try ready()
        let event = try log(removal, scratch)
        if isRaised { try files.moveItem(atPath: draftPath(scratch), toPath: stonePath(scratch)) }
        try Self.damage(isRaised ? stonePath(scratch) : draftPath(scratch))
        try removal.finish(event)
        let store = scratch.archive.core.store
        let stone = try #require(store.tombstones[scratch.firstPartition])
        #expect(stone.digest == event.digest && !scratch.hasFirstPartition)
        #expect(try TreeHash(rootOf: store.leafHashes(of: event.first...event.last)) == stone.root)
    }

    @Test("a partition stays while the hashes of its tombstone are damaged, and goes when they are restored")
    func damagedBehindRaising() throws {
        let path = Mutex<String?>(nil)
        let (scratch, removal) = try ready { options in
            options.reached = { [files = FileManager.default] point in
                guard point == .removalForgotten, let path = path.withLock({ $0 }) else { return }
                do {
                    if !files.fileExists(atPath: path + ".whole") { try files.copyItem(atPath: path, toPath: path + ".whole") }
                    try Self.damage(path)
                } catch { Issue.record(error) }
            }
        }
        path.withLock { $0 = stonePath(scratch) }
        let event = try log(removal, scratch)
        let failure = #expect(throws: ArchiveFailure.self) { try removal.finish(event) }
        #expect(failure.map { "\($0)".contains("2026-11-23.tombstone") } == true)
        #expect(scratch.hasFirstPartition)
        path.withLock { $0 = nil }
        try files.removeItem(atPath: stonePath(scratch))
        try files.moveItem(atPath: stonePath(scratch) + ".whole", toPath: stonePath(scratch))
        try removal.finish(event)
        #expect(!scratch.hasFirstPartition)
    }

    @Test("a trail that is not what its totals say is not drafted")
    func lostRow() throws {
        let (scratch, removal) = try ready()
        _ = try scratch.archive.core.store.shelf.write(to: scratch.firstPartition) { partition, transaction in
            let key = Position(3).key
            _ = try transaction.delete(key.span.bytes, in: partition.trail)
        }
        let failure = #expect(throws: ArchiveFailure.self) { try removal.draft(PurgeOptions.trailPeriodLeast) }
        #expect(failure.map { "\($0)".contains("2026-11-23.mdb") } == true)
    }

    @Test("a start removes the draft of which the log knows nothing, and no other", arguments: [false, true])
    func leftoverDraft(isLogged: Bool) throws {
        let (scratch, removal) = try ready()
        if isLogged { _ = try log(removal, scratch) } else { _ = try draft(removal) }
        #expect(files.fileExists(atPath: draftPath(scratch)))
        try scratch.crash()
        scratch.lendAppender()
        #expect(files.fileExists(atPath: draftPath(scratch)) == isLogged)
        scratch.archive.upkeep.tick()
        #expect(scratch.hasFirstPartition != isLogged)
        #expect(scratch.archive.upkeepStatus().lastError == nil)
    }
}

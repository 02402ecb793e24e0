import Events
import FoundationEssentials
import Ledger
import Testing

@testable import Archive

@Suite("Local deletes of partitions that leave")
struct PartitionRemovalDeletesTests {
    private func day(_ number: Int64) -> Instant { Scratch.start.advanced(byMilliseconds: number * Instant.millisecondsPerDay) }

    private func send(_ scratch: Scratch, _ number: Int64) {
        scratch.send(Scratch.Post("m\(number)").with { $0.at = day(number) })
    }

    private func clears(_ scratch: Scratch) throws -> Int { try scratch.allEvents().count { $0.kind == .localDelete } }

    private func isNamed(_ scratch: Scratch) throws -> Bool {
        let path = scratch.archive.core.store.tombstones.file(of: scratch.firstPartition).path
        return try Data(contentsOf: URL(filePath: path)).firstRange(of: Data("secretviewer".utf8)) != nil
    }

    @Test("a cleared history leaves with what it hid, whatever came to the conversation later")
    func leaves() throws {
        let scratch = try Scratch.forgetful()
        scratch.send(Scratch.Post("m"))
        #expect(try scratch.clear(upTo: scratch.archive.end, viewer: "secretviewer").isAppended)
        send(scratch, -3)
        scratch.live(days: 100)
        scratch.send(Scratch.Post("later"))
        scratch.live(days: 90)
        #expect(!scratch.hasFirstPartition)
        #expect(try clears(scratch) == 0)
        #expect(try !isNamed(scratch))
        #expect(try scratch.ids(viewer: "secretviewer") == ["later"])
        try scratch.expectRebuiltAlike()
        #expect(try scratch.ids(viewer: "secretviewer") == ["later"])
    }

    @Test("a cleared history stays while it hides something elsewhere", arguments: [-5, 5])
    func stays(number: Int64) throws {
        let scratch = try Scratch.forgetful()
        scratch.clock.set(day(10))
        _ = try scratch.keep(.conversation(try TenantID("acme"), try ConversationID("general")), "forever")
        send(scratch, number)
        scratch.send(
            Scratch.Post("other").with {
                $0.conversation = "purged"; $0.at = Scratch.start
            })
        let draft = LocalDeleteDraft(
            tenant: try TenantID("acme"), conversation: try ConversationID("general"), viewer: try UserID("secretviewer"),
            extent: .upTo(scratch.archive.end), at: Scratch.start)
        scratch.appender.localDelete(draft, by: .user(1000), ticket: Ticket(1), now: scratch.clock.now)
        #expect(scratch.commit()[0].isAppended)
        send(scratch, 9)
        scratch.live(days: 190)
        #expect(!scratch.hasFirstPartition)
        #expect(try clears(scratch) == 1)
        #expect(try scratch.ids(viewer: "secretviewer") == ["m9"])
        #expect(try scratch.ids(viewer: "bob").contains("m\(number)"))
        try scratch.expectRebuiltAlike()
        #expect(try scratch.ids(viewer: "secretviewer") == ["m9"])
    }
}

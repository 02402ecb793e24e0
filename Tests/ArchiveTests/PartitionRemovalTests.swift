import Events
import FoundationEssentials
import Ledger
import TestSupport
import Testing

@testable import Archive

@Suite("Removing partitions whose trail is over")
struct PartitionRemovalTests {
    private static let day = Instant.millisecondsPerDay

    private func names(_ scratch: Scratch) throws -> [String] { try scratch.archive.partitions().map(\.name) }

    @Test("a partition goes when its trail is over and its bodies are destroyed, and leaves what the log still needs")
    func goes() throws {
        let scratch = try Scratch.forgetful()
        scratch.send([Scratch.Post("a"), Scratch.Post("b")])
        let policy = try #require(try scratch.keep(.tenant(TenantID("acme")), "181d").position)
        scratch.live(days: 183)
        #expect(try names(scratch).contains("2026-11-23"))
        scratch.live(days: 3)
        #expect(try !names(scratch).contains("2026-11-23"))
        #expect(try scratch.message("a") == nil)
        let events = try scratch.allEvents()
        #expect(!events.contains { $0.kind == .send })
        #expect(events.contains { $0.position == policy })
        let removal = try #require(events.compactMap { if case .partitionRemove(let removal) = $0.deed { removal } else { nil } }.first)
        #expect((removal.first, removal.last, removal.events, removal.messages) == (Position(1), Position(3), 3, 2))
        #expect(scratch.archive.upkeepStatus().lastError == nil)
        try scratch.reopen()
        scratch.lendAppender()
        #expect(try scratch.allEvents() == events)
        let found = try scratch.archive.retention(RetentionQuestion(scope: .tenant(try TenantID("acme")))).get()
        #expect(found.policy.period == .days(181))
    }

    @Test("a partition that holds a body stays, however old it is: under a hold, and under a longer policy")
    func stays() throws {
        let scratch = try Scratch.forgetful()
        scratch.send([Scratch.Post("held"), Scratch.Post("free").with { $0.sender = "ben" }])
        scratch.rule(
            .place(
                HoldPlace(
                    id: try HoldID("h"), coverage: Coverage(tenant: try TenantID("acme"), sender: try UserID("ann")), matter: "7",
                    reason: "court")))
        scratch.live(days: 190)
        #expect(try scratch.message("held")?.state == .expired)
        #expect(try scratch.message("free")?.state == .purged)
        scratch.rule(.release(ReleaseDraft(hold: try HoldID("h"), reason: "settled")))
        scratch.live(days: 3)
        #expect(try scratch.message("held") == nil)
    }

    @Test("an old import comes into a partition that was removed, and is removed with it once more")
    func again() throws {
        let scratch = try Scratch.forgetful()
        let first = Scratch.start
        scratch.send(Scratch.Post("a"))
        scratch.live(days: 187)
        #expect(try scratch.message("a") == nil)
        scratch.send([Scratch.Post("late").with { $0.at = first }, Scratch.Post("now")])
        #expect(try scratch.message("late")?.state == .expired)
        scratch.archive.flush()
        #expect(try names(scratch).contains("2026-11-23"))
        try scratch.reopen()
        scratch.lendAppender()
        #expect(try scratch.message("late")?.state == .expired)
        scratch.live(days: 2)
        #expect(try scratch.message("late") == nil)
        let stone = try #require(scratch.archive.core.store.tombstones.all.first)
        #expect(stone.totals.events == 2)
        #expect(stone.runs.count == 2)
        try scratch.expectRebuiltAlike()
    }

    @Test("events are read on over what has left, and as of a position that has left nothing is answered")
    func readingOver() throws {
        let scratch = try Scratch.forgetful()
        scratch.send((0..<10).map { Scratch.Post("m\($0)") })
        scratch.live(days: 187)
        let position = try #require(scratch.send(Scratch.Post("now")).position)
        let page = try scratch.archive.events(EventsQuestion(from: .first, count: 1))
        #expect(page.events.map(\.kind) == [.purgeIntent])
        #expect(try scratch.allEvents().last?.position == position)
        let question = MessageQuestion(tenant: try TenantID("acme"), id: try MessageID("now"), asOf: .position(Position(3)))
        #expect(throws: Refusal.self) { try scratch.archive.message(question).get() }
    }

    @Test("a trail that is read offline has of a removed partition what stays, once, and nothing that left it")
    func offline() throws {
        let scratch = try Scratch.forgetful()
        scratch.send((0..<5).map { Scratch.Post("m\($0)") })
        _ = try scratch.keep(.tenant(TenantID("acme")), "181d")
        scratch.live(days: 187)
        scratch.send(Scratch.Post("now"))
        let events = try scratch.allEvents()
        #expect(events.first?.kind == .retentionChange)
        try scratch.close()
        var found: [Event] = []
        try OfflineTrail(of: scratch.path).forEach(in: .first ... .last) { found.append($0) }
        #expect(found == events)
        try scratch.open()
    }

    @Test("a removal that cannot be finished is told, and holds up no purge")
    func stuck() throws {
        let scratch = try Scratch.forgetful()
        scratch.send(Scratch.Post("a"))
        scratch.live(days: 100)
        scratch.send(Scratch.Post("b"))
        scratch.live(days: 83)
        // A draft that nobody can write stands for whatever may be wrong with a disk at that moment.
        let id = scratch.archive.core.store.partition(of: Scratch.start)
        let draft = scratch.archive.core.store.tombstones.draft(of: id).path
        try FileManager.default.createDirectory(atPath: draft, withIntermediateDirectories: false)
        scratch.live(days: 100)
        #expect(scratch.archive.upkeepStatus().lastError?.contains("tombstone") == true)
        #expect(try scratch.message("b")?.state == .purged)
        try FileManager.default.removeItem(atPath: draft)
        scratch.live(days: 1)
        #expect(try scratch.message("a") == nil)
        #expect(scratch.archive.upkeepStatus().lastError == nil)
    }

    @Test("what the state forgets is what a rebuild never learns", arguments: 0..<12)
    func rebuilt(round: Int) throws {
        var random = SeededRandom(for: "removals, round \(round)")
        let scratch = try Scratch.forgetful { $0.openPartitionsMax = 4 }
        for step in 0..<60 {
            try act(scratch, step, &random)
            if Int.random(in: 0..<6, using: &random) == 0 { scratch.live(days: Int.random(in: 1...20, using: &random)) }
            if Int.random(in: 0..<25, using: &random) == 0 { try scratch.expectRebuiltAlike() }
        }
        // In some rounds no trail was over so far.
        scratch.clock.advance(days: 200)
        scratch.live(days: 6)
        try scratch.expectRebuiltAlike()
        #expect(scratch.archive.upkeepStatus().lastError == nil)
        #expect(try scratch.archive.statistics().removedPartitions > 0)
    }

    /// Imports in any order, so that a conversation's last event may lie in its oldest day.
    private func act(_ scratch: Scratch, _ step: Int, _ random: inout SeededRandom) throws {
        let conversation = "c\(Int.random(in: 0..<4, using: &random))"
        let viewer = "v\(Int.random(in: 0..<2, using: &random))"
        let at = scratch.clock.now.advanced(byMilliseconds: -Int64.random(in: 0..<260, using: &random) * Self.day)
        switch Int.random(in: 0..<8, using: &random) {
        case 0:
            let id = "m\(Int.random(in: 0...step, using: &random))"
            _ = try scratch.delete([id], viewer: viewer, conversation: conversation, at: Bool.random(using: &random) ? at : nil)
        case 1:
            let end = max(1, scratch.archive.end.rawValue)
            _ = try scratch.clear(upTo: Position(.random(in: 1...end, using: &random)), viewer: viewer, conversation: conversation)
        case 2:
            _ = try scratch.keep(
                .conversation(try TenantID("acme"), try ConversationID(conversation)), "\(Int.random(in: 1...300, using: &random))d")
        default:
            scratch.send(
                Scratch.Post("m\(step)").with {
                    $0.conversation = conversation
                    if Bool.random(using: &random) { $0.at = at }
                })
        }
    }
}

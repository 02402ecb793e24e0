import Events
import FoundationEssentials
import Synchronization
import Testing

@testable import Archive

@Suite("Readings")
struct ReadingTests {
    private func history(_ id: String, _ scratch: Scratch) throws -> MessageHistory {
        try #require(try scratch.archive.history(tenant: TenantID("acme"), id: MessageID(id)))
    }

    private func access(_ event: Event?) throws -> Access {
        guard case .access(let access) = try #require(event).deed else { throw Refusal(.failed, "the event is no reading") }
        return access
    }

    @Test("a reading is in the history of its message: from the journal, from its partition, after a restart and a rebuild")
    func inTheHistory() throws {
        let scratch = try Scratch()
        scratch.send([.init("a"), .init("b")])
        scratch.clock.advance(days: 1)
        let (shown, verdict) = try #require(try scratch.read("a"))
        #expect(verdict == .appended(Position(3), effectiveAt: scratch.clock.now))
        #expect(shown.events.map(\.kind) == [.send])
        for turn in 0..<4 {
            let found = try history("a", scratch)
            #expect(found.events.map(\.position) == [Position(1), Position(3)])
            #expect(found.events.last?.principal == .user(1001))
            let read = try access(found.events.last)
            #expect((read.question, read.conversation?.text, read.messageID?.text) == (.messageHistory, "general", "a"))
            #expect((read.range, read.bodies, read.reason) == (Position(1)...Position(1), 1, "case 7"))
            #expect(try history("b", scratch).events.map(\.position) == [Position(2)])
            if turn == 0 { scratch.archive.flush() }
            if turn == 1 { try scratch.reopen() }
            if turn == 2 {
                try scratch.close()
                try scratch.rebuild()
                try scratch.open()
            }
        }
    }

    @Test("a reading is found after a crash, from the journal alone")
    func survivesACrash() throws {
        let scratch = try Scratch()
        scratch.send(.init("a"))
        scratch.archive.flush()
        _ = try scratch.read("a")
        try scratch.crash()
        #expect(try history("a", scratch).events.map(\.kind) == [.send, .access])
    }

    @Test("neither a message's id nor the last event of its conversation is touched by a reading")
    func changesNothing() throws {
        let scratch = try Scratch()
        scratch.send(.init("a"))
        for _ in 0..<2 {
            for _ in 0..<3 { _ = try scratch.read("a") }
            #expect(scratch.send(.init("a")).position == Position(1))
            #expect(scratch.send(Scratch.Post("a").with { $0.body = "other" }).code == .conflict)
            #expect(try scratch.delete(["a"], viewer: "bob").position != nil)
            #expect(try scratch.message("a")?.position == Position(1))
            #expect(try scratch.ids(viewer: "eve") == ["a"])
            try scratch.reopen()
        }
        let fresh = try Scratch()
        fresh.send(.init("a"))
        _ = try fresh.read("a")
        #expect(fresh.send(Scratch.Post("b").with { $0.expected = .position(Position(1)) }).isAppended)
    }

    @Test("of two messages of one id, far apart, each has its own readings")
    func twins() throws {
        let scratch = try Scratch()
        scratch.send(.init("a"))
        _ = try scratch.read("a", reason: "the first")
        scratch.clock.advance(days: 9)
        let second = try #require(scratch.send(Scratch.Post("a").with { $0.body = "again" }).position)
        _ = try scratch.read("a", reason: "the second")
        let events = try history("a", scratch).events
        #expect(events.first?.position == second)
        #expect(try events.dropFirst().map { try access($0).reason } == ["the second"])
    }

    @Test("what an import brought from long ago is read today, and the reading is found")
    func imported() throws {
        let scratch = try Scratch()
        scratch.send(Scratch.Post("old").with { $0.at = Scratch.start.advanced(byMilliseconds: -900 * Instant.millisecondsPerDay) })
        _ = try scratch.read("old")
        scratch.archive.flush()
        let events = try history("old", scratch).events
        #expect(events.map(\.kind) == [.send, .access])
        #expect(try access(events.last).bodies == 1)
    }

    @Test("without a reason nothing is recorded, and nothing when there is no such message; a full disk is no hindrance")
    func refusals() throws {
        let scratch = try Scratch()
        scratch.send(.init("a"))
        #expect(try scratch.read("a", reason: "")?.verdict.code == .badArgument)
        #expect(try scratch.read("a", reason: String(repeating: "x", count: 1025))?.verdict.code == .badArgument)
        #expect(try scratch.read("none") == nil)
        #expect(scratch.archive.end == Position(1))
        scratch.archive.core.isDiskFull.store(true, ordering: .relaxed)
        #expect(try scratch.read("a")?.verdict.isAppended == true)
        scratch.archive.core.isDiskFull.store(false, ordering: .relaxed)
    }

    @Test("who reads often pushes nothing else out of a history")
    func often() throws {
        let scratch = try Scratch()
        scratch.send(.init("a"))
        let draft = try history("a", scratch).access(reason: "again")
        for turn in 0..<5_010 {
            scratch.appender.access(draft, by: .user(1001), ticket: Ticket(0), now: scratch.clock.now)
            if turn.isMultiple(of: 500) { _ = scratch.commit() }
        }
        _ = scratch.commit()
        let delete = try #require(try scratch.delete(["a"], viewer: "bob").position)
        let events = try history("a", scratch).events
        #expect(events.count == 5_000)
        #expect(events.last?.position == delete)
        #expect(events.dropLast().last?.position == Position(4_999))
    }

    @Test("a destroyed message's readings are told still, and leave the log with the trail of their own day")
    func leaves() throws {
        let scratch = try Scratch { options in
            options.purge.trailPeriod = PurgeOptions.trailPeriodLeast
            options.purge.compactionBytesPerSecond = 0
        }
        scratch.lendAppender()
        scratch.send(Scratch.Post("a"))
        _ = try scratch.read("a", reason: "on the first day")
        live(scratch, days: 182)
        let (shown, verdict) = try #require(try scratch.read("a", reason: "after the purge"))
        #expect(shown.message.state == .purged)
        #expect(shown.events.map(\.kind) == [.send, .access, .purgeIntent, .purge])
        let late = try #require(verdict.position)
        #expect(try access(history("a", scratch).events.last).bodies == 0)
        live(scratch, days: 6)
        #expect(try scratch.read("a") == nil)
        #expect(try scratch.allEvents().filter { $0.kind == .access }.map(\.position) == [late])
        let grown = try scratch.archive.digest().get()
        try scratch.close()
        try FileManager.default.removeItem(atPath: scratch.path + "/state.mdb")
        try scratch.rebuild()
        try scratch.open()
        #expect(try scratch.archive.digest().get() == grown)
    }

    /// Lets days go by, each with its look.
    private func live(_ scratch: Scratch, days: Int) {
        for _ in 0..<days {
            scratch.clock.advance(days: 1)
            scratch.archive.flush()
            scratch.archive.upkeep.tick()
        }
    }
}

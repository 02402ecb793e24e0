import Events
import FoundationEssentials
import TestSupport
import Testing

@testable import Archive

@Suite("Visibility and retention")
struct RetentionTests {
    private let acme: Scope
    private let general: Scope

    init() throws {
        acme = .tenant(try TenantID("acme"))
        general = .conversation(try TenantID("acme"), try ConversationID("general"))
    }

    @Test("a message is visible for 180 days, and expired from the very millisecond on")
    func defaultPeriod() throws {
        let scratch = try Scratch()
        scratch.send(.init("a"))
        scratch.clock.advance(days: 180, milliseconds: -1)
        #expect(try scratch.ids() == ["a"])
        #expect(try scratch.message("a", viewer: "bob")?.state == .visible)
        scratch.clock.advance(milliseconds: 1)
        #expect(try scratch.ids() == [])
        let message = try #require(try scratch.message("a", viewer: "bob"))
        #expect(message.state == .expired)
        #expect(message.body == nil)
        #expect(message.expires == Scratch.start.advanced(byMilliseconds: 180 * Instant.millisecondsPerDay))
        let history = try #require(try scratch.archive.history(tenant: TenantID("acme"), id: MessageID("a")))
        #expect(history.message.body == Array("hello".utf8))
    }

    @Test("the narrowest policy counts, inherit gives way to the wider one, and all of it as of any moment")
    func policies() throws {
        let scratch = try Scratch()
        scratch.send(.init("a"))  // 1
        #expect(try scratch.keep(acme, "30d").position == Position(2))
        scratch.clock.advance(days: 31)
        #expect(try scratch.ids() == [])
        try #expect(scratch.keep(general, "forever").isAppended)  // 3
        #expect(try scratch.ids() == ["a"])
        scratch.clock.advance(days: 1)
        try #expect(scratch.keep(general, "inherit").isAppended)  // 4
        #expect(try scratch.ids() == [])
        scratch.archive.flush()
        for _ in 0..<2 {
            #expect(try scratch.ids(asOf: .position(Position(1))) == ["a"])
            #expect(try scratch.ids(asOf: .position(Position(3))) == ["a"])
            #expect(try scratch.ids(asOf: .position(Position(4))) == [])
            #expect(try scratch.ids(asOf: .time(Scratch.start)) == ["a"])
            let before = Scratch.start.advanced(byMilliseconds: 31 * Instant.millisecondsPerDay - 1)
            #expect(try scratch.ids(asOf: .time(before)) == [])
            let policy = try scratch.archive.retention(RetentionQuestion(scope: general, asOf: .position(Position(3)))).get()
            #expect(policy.policy.period == .forever)
            #expect(policy.policy.from == general)
            try scratch.reopen()
        }
    }

    @Test("a local delete hides from its viewer alone, from its own moment on")
    func localDelete() throws {
        let scratch = try Scratch()
        scratch.send([.init("a"), .init("b"), .init("c")])
        scratch.clock.advance(milliseconds: 10)
        #expect(try scratch.delete(["b"], viewer: "bob").position == Position(4))
        for _ in 0..<2 {
            #expect(try scratch.ids(viewer: "bob") == ["a", "c"])
            #expect(try scratch.ids(viewer: "eve") == ["a", "b", "c"])
            #expect(try scratch.ids(viewer: "bob", asOf: .time(Scratch.start.advanced(byMilliseconds: 9))) == ["a", "b", "c"])
            #expect(try scratch.ids(viewer: "bob", asOf: .time(Scratch.start.advanced(byMilliseconds: 10))) == ["a", "c"])
            #expect(try scratch.ids(viewer: "bob", asOf: .position(Position(3))) == ["a", "b", "c"])
            #expect(try scratch.message("b", viewer: "bob")?.state == .hidden)
            #expect(try scratch.message("b", viewer: "bob")?.body == nil)
            #expect(try scratch.message("b", viewer: "eve")?.state == .visible)
            #expect(try scratch.delete(["b"], viewer: "bob") == .present(Position(4), effectiveAt: scratch.clock.now))
            #expect(try scratch.delete(["nope"], viewer: "bob").code == .unknown)
            #expect(try scratch.delete(["b"], viewer: "bob", conversation: "elsewhere").code == .unknown)
            try scratch.reopen()
        }
    }

    @Test("a message's history names of a delete of many only the message itself")
    func historyIsNarrow() throws {
        let scratch = try Scratch()
        scratch.send([.init("a"), .init("b")])
        _ = try scratch.delete(["a", "b"], viewer: "bob")
        let history = try #require(try scratch.archive.history(tenant: TenantID("acme"), id: MessageID("b")))
        #expect(history.events.map(\.position) == [Position(2), Position(3)])
        guard case .localDelete(let deletion) = history.events.last?.deed else {
            Issue.record("the last event is the delete")
            return
        }
        #expect(deletion.extent == .messages([.init(position: Position(2), messageID: try MessageID("b"))]))
        #expect(try scratch.allEvents().last?.deed != history.events.last?.deed)
    }

    @Test("a cleared history hides everything up to a position, and no message that comes later")
    func clearedHistory() throws {
        let scratch = try Scratch()
        scratch.send([.init("a"), .init("b")])
        #expect(try scratch.clear(upTo: Position(2), viewer: "bob").position == Position(3))
        scratch.send(.init("c"))
        for _ in 0..<2 {
            #expect(try scratch.ids(viewer: "bob") == ["c"])
            #expect(try scratch.ids(viewer: "eve") == ["a", "b", "c"])
            #expect(try scratch.clear(upTo: Position(1), viewer: "bob") == .present(Position(3), effectiveAt: scratch.clock.now))
            #expect(try scratch.clear(upTo: Position(99), viewer: "bob").code == .badArgument)
            #expect(try scratch.clear(upTo: Position(1), viewer: "bob", conversation: "none").code == .unknown)
            try scratch.reopen()
        }
        let history = try #require(try scratch.archive.history(tenant: TenantID("acme"), id: MessageID("a")))
        #expect(history.events.map(\.position) == [Position(1), Position(3)])
    }

    @Test("an imported retention change is taken once, and counts by its own time")
    func importedPolicy() throws {
        let scratch = try Scratch()
        let at = Instant(milliseconds: 1_388_534_400_000)  // 2014-01-01
        let first = try scratch.keep(acme, "forever", at: at)
        #expect(first == .appended(Position(1), effectiveAt: at))
        #expect(try scratch.keep(acme, "forever", at: at) == .present(Position(1), effectiveAt: at))
        try scratch.reopen()
        #expect(try scratch.keep(acme, "forever", at: at) == .present(Position(1), effectiveAt: at))
        #expect(try scratch.keep(acme, "5y", at: at).isAppended)
    }

    @Test("an imported change that is repeated is recognized, also when it would be refused by now")
    func repeatedImport() throws {
        let scratch = try Scratch()
        let at = Instant(milliseconds: 1_388_534_400_000)  // 2014-01-01
        #expect(try scratch.keep(acme, "1y", at: at).position == Position(1))
        let lock = RetentionDraft(scope: acme, changes: [.init(.policy, .keep(.years(2)), isLocked: true)], reason: "the law")
        #expect(scratch.rule(.retention(lock)).position == Position(2))
        #expect(try scratch.keep(acme, "1y", at: at).isPresent)
        #expect(try scratch.keep(acme, "1y").code == .locked)
        #expect(try scratch.keep(acme, "3y", at: at).position == Position(3))
        #expect(try scratch.keep(acme, "3y", at: at).isPresent)
    }

    @Test("a pending change is not taken back before a narrower one that waits for it")
    func followers() throws {
        let scratch = try Scratch { $0.coolOffMilliseconds = 7 * Instant.millisecondsPerDay }
        scratch.lendAppender()
        let conversation = Scope.conversation(try TenantID("acme"), try ConversationID("general"))
        #expect(try scratch.keep(.tenant(TenantID("acme")), "1d").position == Position(1))
        scratch.clock.advance(days: 6)
        #expect(try scratch.keep(conversation, "2d").position == Position(2))
        let refused = scratch.rule(.cancel(CancelDraft(change: Position(1), reason: "a mistake")))
        #expect(refused.code == .conflict)
        #expect(scratch.rule(.cancel(CancelDraft(change: Position(2), reason: "a mistake"))).isAppended)
        #expect(scratch.rule(.cancel(CancelDraft(change: Position(1), reason: "a mistake"))).isAppended)
    }

    @Test("a preview of a preset counts what its floor no longer keeps")
    func previewOfPreset() throws {
        let scratch = try Scratch { $0.coolOffMilliseconds = 7 * Instant.millisecondsPerDay }
        scratch.lendAppender()
        let acme = Scope.tenant(try TenantID("acme"))
        let presets = Dictionary(uniqueKeysWithValues: RetentionPreset.all.map { ($0.name, $0) })
        for change in try #require(presets["finance"]).changes(isLocked: false) {
            #expect(scratch.rule(.retention(RetentionDraft(scope: acme, changes: [change], reason: "because"))).isAppended)
        }
        let old = Scratch.start.advanced(byMilliseconds: -2000 * Instant.millisecondsPerDay)
        scratch.send((0..<4).map { number in Scratch.Post("m\(number)").with { $0.at = old } })
        let changes = try #require(presets["education"]).changes(isLocked: false)
        let preview = try scratch.archive.preview(PreviewQuestion(scope: acme, changes: changes)).get()
        #expect(preview.shortens && preview.expiring.messages == 4)
        #expect(scratch.rule(.retention(RetentionDraft(scope: acme, changes: changes, reason: "because"))).isAppended)
        scratch.clock.advance(days: 7)
        #expect(try scratch.message("m0")?.state == .expired)
    }

    @Test("a preview says the very moment at which the change would take effect")
    func previewedMoment() throws {
        let scratch = try Scratch { $0.coolOffMilliseconds = 7 * Instant.millisecondsPerDay }
        let days = { (count: Int64) in Scratch.start.advanced(byMilliseconds: count * Instant.millisecondsPerDay) }
        let preview = { (text: String) in
            let rule = try #require(RetentionChange.Rule(text: text))
            let found = try scratch.archive.preview(PreviewQuestion(scope: acme, changes: [.init(.policy, rule)])).get()
            return (found.shortens, found.effectiveAt)
        }
        #expect(try preview("30d") == (true, days(7)))
        #expect(try scratch.keep(acme, "30d") == .appended(Position(1), effectiveAt: days(7)))
        scratch.clock.advance(days: 1)
        #expect(try preview("60d") == (true, days(7)))
        #expect(try preview("20d") == (true, days(8)))
        #expect(try preview("181d") == (false, days(1)))
        #expect(try scratch.keep(acme, "60d") == .appended(Position(2), effectiveAt: days(7)))
    }

    @Test("a preview whose edge goes through more than can be looked at one by one counts by shares of time, and says so")
    func estimatedPreview() throws {
        let day = Scratch.start.advanced(byMilliseconds: -99 * Instant.millisecondsPerDay)
        let midnight = Instant(milliseconds: day.milliseconds / Instant.millisecondsPerDay * Instant.millisecondsPerDay)
        // The edge is where the day of the messages is over by so much.
        for (most, hours) in [(1_000, 6), (999, 6), (999, 18)] as [(UInt64, Int64)] {
            let scratch = try Scratch {
                $0.coolOffMilliseconds = 0
                $0.purge.isAutomatic = false
                $0.purge.previewBodiesMax = most
            }
            let edge = midnight.advanced(byMilliseconds: hours * 3_600_000)
            scratch.clock.advance(milliseconds: edge.milliseconds + 100 * Instant.millisecondsPerDay - scratch.clock.now.milliseconds)
            scratch.send(
                (0..<1_000).map { number in
                    Scratch.Post("m\(number)").with {
                        $0.at = midnight.advanced(byMilliseconds: Int64(number) * 86_400)
                        $0.sender = "s\(number % 100)"
                        $0.body = "0123456789"
                    }
                })
            let rule = try #require(RetentionChange.Rule(text: "100d"))
            let found = try scratch.archive.preview(PreviewQuestion(scope: acme, changes: [.init(.policy, rule)])).get()
            let exact = Int64(1_000) * hours / 24
            #expect(found.estimated == (most < 1_000 ? 1_000 : 0))
            // Ten messages of each sender, whose first and last are known.
            #expect(abs(Int64(found.expiring.messages) - exact) <= (most < 1_000 ? 50 : 1), "\(found)")
            #expect(found.expiring.bytes == 10 * found.expiring.messages, "\(found)")
            #expect(found.expiring.messages + found.kept.messages <= 1_000 && found.expiring.conversations == 1)
        }
    }

    @Test("before the first moment worth a look everything is expired, for every kind of period")
    func firstLiving() throws {
        var random = SeededRandom(for: "first living moments")
        for _ in 0..<2000 {
            let period: Period = [.days(180), .weeks(3), .months(6), .years(1), .months(1)].randomElement(using: &random) ?? .forever
            let floors: [[Period]] = [[], [.months(1)], [.days(30), .months(7)]]
            let terms = Terms(policy: period, floors: floors.randomElement(using: &random) ?? [])
            let now = Instant(milliseconds: .random(in: 100_000_000_000...4_000_000_000_000, using: &random))
            let edge = Visibility.firstLiving(under: terms, asOf: now)
            for _ in 0..<50 {
                let before = edge.advanced(byMilliseconds: -Int64.random(in: 1...400_000_000, using: &random))
                #expect(Visibility.isExpired(at: before, under: terms, asOf: now), "\(period) \(now) \(before)")
            }
            let soon = edge.advanced(byMilliseconds: 7 * Instant.millisecondsPerDay)
            #expect(!Visibility.isExpired(at: soon, under: terms, asOf: now), "\(period) \(now)")
        }
        #expect(Visibility.firstLiving(under: Terms(policy: .forever), asOf: Scratch.start) == .distantPast)
    }

    @Test("a month that presses four days into its last one hides none that is still alive")
    func shortMonth() throws {
        let scratch = try Scratch()
        let sent = try #require(Instant(text: "2025-01-28T13:00:00Z"))
        scratch.clock.set(sent)
        _ = try scratch.keep(.system, "1mo")
        scratch.send(Scratch.Post("a"))
        scratch.clock.set(Scratch.start)
        let alive = try #require(Instant(text: "2025-02-28T12:59:59.999Z"))
        #expect(try scratch.message("a", viewer: "bob", asOf: .time(alive))?.state == .visible)
        #expect(try scratch.ids(asOf: .time(alive)) == ["a"])
        #expect(try scratch.page(from: .beginning, asOf: .time(alive)).messages.count == 1)
        #expect(try scratch.ids(asOf: .time(alive.advanced(byMilliseconds: 1))) == [])
    }
}

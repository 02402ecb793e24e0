import Events
import Glibc
import LMDB
import Ledger
import Projections
import Synchronization
import Testing

@testable import Archive

@Suite("As of")
struct AsOfTests {
    private func ago(_ days: Int64) -> Instant { Scratch.start.advanced(byMilliseconds: -days * Instant.millisecondsPerDay) }

    @Test("of two messages of one id it is always the later by time, folded or not, and for readers and deletes alike")
    func twoOfOneID() throws {
        let scratch = try Scratch { $0.foldMilliseconds = 3_600_000 }
        scratch.send(Scratch.Post("x").with { $0.body = "live" })
        scratch.archive.flush()
        scratch.send(
            Scratch.Post("x").with { post in
                post.body = "old"
                post.at = ago(100)
            })
        for _ in 0..<2 {
            #expect(try scratch.message("x", asOf: .position(Position(2)))?.position == Position(1))
            #expect(try scratch.message("x", asOf: .time(ago(50)))?.position == Position(2))
            scratch.archive.flush()
        }
        #expect(try scratch.delete(["x"], viewer: "bob").isAppended)
        #expect(try scratch.page().messages.map(\.position) == [Position(2)])
    }

    @Test("a page as of an old time is whole, however many messages came later")
    func behindManyNewer() throws {
        let scratch = try Scratch { $0.batchEventsMax = 1 << 20 }
        scratch.send((0..<10).map { index in Scratch.Post("old\(index)").with { $0.at = ago(10) } })
        scratch.clock.advance(milliseconds: 1)
        for round in 0..<50 { scratch.send((0..<500).map { Scratch.Post("n\(round)-\($0)") }) }
        #expect(try scratch.page(asOf: .time(ago(9))).messages.count == 10)
        #expect(try scratch.page(asOf: .position(Position(10))).messages.count == 10)
        #expect(try scratch.page(from: .beginning, asOf: .time(ago(9))).next == nil)
    }

    @Test("a page as of an early position is whole, however much was imported behind it", arguments: [false, true])
    func behindManyImported(isFolded: Bool) throws {
        let scratch = try Scratch {
            $0.batchEventsMax = 1 << 20
            if !isFolded { $0.foldMilliseconds = 3_600_000 }
        }
        // More than are looked at for one page, in order of their times as an importer sends them, and two old ones out of it.
        for day in 0..<30 {
            scratch.send((0..<700).map { index in Scratch.Post("m\(day)-\(index)").with { $0.at = ago(Int64(30 - day)) } })
        }
        scratch.send((0..<2).map { index in Scratch.Post("late\(index)").with { $0.at = ago(Int64(29)) } })
        if isFolded { scratch.archive.flush() }
        let end = Position(1_410)
        for _ in 0..<2 {
            let newest = try scratch.page(asOf: .position(end))
            #expect(newest.messages.last?.position == end)
            #expect(newest.messages.count == 50)
            let oldest = try scratch.page(from: .beginning, asOf: .position(Position(20)))
            #expect(oldest.messages.map(\.position) == (1...20).map { Position($0) })
            #expect(oldest.next == nil)
            #expect(try scratch.page(asOf: .position(Position(20))).messages == oldest.messages)
        }
        let whole = try scratch.page(asOf: .time(ago(29)))
        #expect(Set(whole.messages.suffix(2).map(\.id.text)) == ["late0", "late1"])
    }

    @Test("no moment is taken from a record that was changed, with a body or without; one beside it is")
    func changedRecords() throws {
        let scratch = try Scratch { $0.batchEventsMax = 1 << 20 }
        scratch.send((0..<100).map { Scratch.Post("m\($0)") })
        #expect(try scratch.delete(["m0"], viewer: "bob").isAppended)
        scratch.send((0..<200).map { Scratch.Post("n\($0)") })
        scratch.archive.flush()
        let store = scratch.archive.core.store
        guard let lease = try store.shelf.lease(store.partition(of: Scratch.start)) else {
            Issue.record("there is no partition")
            return
        }
        let partition = lease.partition
        try partition.environment.write { transaction in
            for position in [50, 101] as [UInt64] {
                let key = withUnsafeBytes(of: position.bigEndian) { [UInt8]($0) }
                let found = try transaction.reader.lend(key.span.bytes, in: partition.trail) { $0.withUnsafeBytes { [UInt8]($0) } }
                var record = try #require(found)
                // The last byte of its time.
                record[19] ^= 1
                try transaction.put(record.span.bytes, for: key.span.bytes, in: partition.trail)
            }
        }
        for position in [50, 101] as [UInt64] {
            let failure = #expect(throws: ArchiveFailure.self) { try scratch.page(asOf: .position(Position(position))) }
            #expect(failure.map { "\($0)".contains("record among those at #1 to #256") } == true)
        }
        #expect(try scratch.page(asOf: .position(Position(40))).messages.count == 40)
    }

    @Test("what a viewer saw, and cannot see any more, keeps its state; its body is for whoever may have it")
    func past() throws {
        let scratch = try Scratch()
        for (id, days) in [("expired", 200), ("hidden", 10), ("there", 10)] as [(String, Int64)] {
            scratch.send(Scratch.Post(id).with { $0.at = ago(days) })
        }
        _ = try scratch.delete(["hidden"], viewer: "bob")
        let bodies = { (viewer: String, hasPast: Bool) in
            let asOf = AsOf.time(ago(5))
            var question = TimelineQuestion(
                tenant: try TenantID("acme"), conversation: try ConversationID("general"), viewer: try UserID(viewer), asOf: asOf)
            question.hasPastBodies = hasPast
            let page = try scratch.archive.timeline(question).get().messages
            let single = try page.map { message in
                var question = MessageQuestion(tenant: message.tenant, id: message.id, viewer: question.viewer, asOf: asOf)
                question.hasPastBodies = hasPast
                return try scratch.archive.message(question).get()
            }
            #expect(page == single)
            #expect(page.allSatisfy { $0.state == .visible })
            return page.filter { $0.body != nil }.map(\.id.text)
        }
        #expect(try bodies("bob", true) == ["hidden", "there"])
        #expect(try bodies("bob", false) == ["there"])
        #expect(try bodies("cid", false) == ["hidden", "there"])
        scratch.clock.advance(days: 300)
        #expect(try bodies("cid", true) == ["hidden", "there"])
        #expect(try bodies("cid", false) == [])
    }

    @Test("whoever sees a position sees its policy")
    func policyBeforePosition() throws {
        let scratch = try Scratch()
        let core = scratch.archive.core
        let scope = Scope.tenant(try TenantID("acme"))
        let watcher = Watcher(of: core, scope)
        for index in 0..<2000 {
            scratch.clock.advance(milliseconds: 1)
            _ = try scratch.keep(scope, "\(index % 300 + 1)d")
        }
        let (views, late) = watcher.stop()
        #expect(views > 0)
        #expect(late == 0)
    }

    /// Takes views on a thread of its own, and counts those whose last event, always a change of one scope, is not in their book.
    private final class Watcher: Sendable {
        private let core: Core
        private let scope: Scope
        private let isDone = Atomic(false)
        private let counts = Mutex((views: 0, late: 0))
        private let thread = Mutex(pthread_t())

        init(of core: Core, _ scope: Scope) {
            self.core = core
            self.scope = scope
            var started = pthread_t()
            pthread_create(
                &started, nil,
                { context in
                    context.map { Unmanaged<Watcher>.fromOpaque($0).takeRetainedValue().run() }
                    return nil
                }, Unmanaged.passRetained(self).toOpaque())
            thread.withLock { $0 = started }
        }

        private func run() {
            repeat {
                let view = LogView(core)
                let known = view.rules.policies.rule(of: scope, within: Horizon(position: view.tail.end, time: .distantFuture))?.position
                counts.withLock { counts in
                    counts.views += 1
                    if view.tail.end != .none, known != view.tail.end { counts.late += 1 }
                }
            } while !isDone.load(ordering: .relaxed)
        }

        func stop() -> (views: Int, late: Int) {
            isDone.store(true, ordering: .relaxed)
            pthread_join(thread.withLock { $0 }, nil)
            return counts.withLock { $0 }
        }
    }
}

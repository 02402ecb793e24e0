import Events
import FoundationEssentials
import Ledger
import Projections
import Synchronization
import TestSupport
import Testing

@testable import Archive

@Suite("Questions while partitions leave")
struct PartitionRemovalReadingTests {
    private static let days = 40

    /// An archive of a conversation in as many partitions, one a day, all of which may leave.
    private func filled() throws -> Scratch {
        let scratch = try Scratch.forgetful { $0.openPartitionsMax = 8 }
        for day in 0..<Self.days {
            scratch.send(
                (0..<3).map { number in
                    Scratch.Post("m\(day)-\(number)").with {
                        $0.at = Scratch.start.advanced(byMilliseconds: -Int64(day) * Instant.millisecondsPerDay)
                    }
                })
        }
        scratch.archive.flush()
        let plan = try scratch.archive.upkeep.plan(coverage: Coverage(), basis: .before(scratch.clock.now.advanced(byMilliseconds: 1)))
        #expect(try scratch.archive.upkeep.run(plan.id, count: plan.messages, by: .user(0)).isDone)
        scratch.send(Scratch.Post("now"))
        scratch.archive.flush()
        return scratch
    }

    /// All of the partitions' trails are over, and as many looks as there are partitions.
    private func leave(_ scratch: Scratch) {
        scratch.clock.advance(days: 190)
        for _ in 0...Self.days { scratch.archive.upkeep.tick() }
        #expect(scratch.removals == Self.days)
    }

    @Test(
        "a walk over a conversation passes over a partition that left behind its first step",
        arguments: [TimelineWalk.Direction.up, .down])
    func walk(direction: TimelineWalk.Direction) throws {
        let scratch = try filled()
        let view = LogView(scratch.archive.core)
        let start = PartitionIndex.Place(
            at: direction == .up ? .distantPast : .distantFuture, position: direction == .up ? .none : .last)
        var walk = try TimelineWalk(of: ConversationID("general"), in: TenantID("acme"), direction, from: start, view)
        _ = try walk.next()
        leave(scratch)
        var count = 1
        while try walk.next() != nil { count += 1 }
        // What was read before may still be told of.
        #expect(count <= 4)
    }

    @Test("what has left is replayed from its removal on, which the refusal names; also without a state, from the records alone")
    func replay() throws {
        let scratch = try filled()
        let before = scratch.archive.end
        leave(scratch)
        scratch.archive.flush()
        let (end, digest) = (scratch.archive.end, try scratch.archive.digest().get())
        try scratch.close()
        let home = try TemporaryFolder()
        for name in ["with", "without"] {
            let copy = home.file(name)
            try FileManager.default.copyItem(atPath: scratch.path, toPath: copy)
            if name == "without" { try FileManager.default.removeItem(atPath: copy + "/state.mdb") }
            let failure = #expect(throws: ArchiveFailure.self) {
                try Replay(of: copy, to: home.file(name + "-early")).run(until: .position(before)) { _, _ in }
            }
            #expect("\(try #require(failure))".contains("replay up to \(end) or later"), "\(String(describing: failure))")
            let log = try Replay(of: copy, to: home.file(name + "-replay")).run(until: .position(end)) { _, _ in }
            #expect(log.digest == digest.bytes)
        }
        try scratch.open()
    }

    @Test("questions of every kind are answered while one partition after the other leaves")
    func threads() throws {
        let scratch = try filled()
        let archive = scratch.archive
        let isOver = Atomic(false)
        let failures = Mutex<[String]>([])
        let asked = Mutex<[Int]>([0, 0, 0])
        let end = archive.end
        let threads = try (0..<3).map { kind in
            let thread = WorkThread(named: "questions")
            try thread.start {
                while !isOver.load(ordering: .acquiring) {
                    do throws(ArchiveFailure) { try Self.ask(kind, archive, end) } catch { failures.withLock { $0.append("\(error)") } }
                    asked.withLock { $0[kind] += 1 }
                }
            }
            return thread
        }
        leave(scratch)
        isOver.store(true, ordering: .releasing)
        for thread in threads { thread.join() }
        #expect(failures.withLock { Array(Set($0)) } == [])
        #expect(asked.withLock { $0.allSatisfy { $0 > 0 } })
    }

    private static func ask(_ kind: Int, _ archive: Archive, _ end: Position) throws(ArchiveFailure) {
        switch kind {
        case 0:
            do {
                let question = TimelineQuestion(
                    tenant: try TenantID("acme"), conversation: try ConversationID("general"), viewer: try UserID("bob"), from: .beginning,
                    count: 1000, asOf: .time(Scratch.start.advanced(byMilliseconds: 1)))
                _ = try archive.timeline(question)
            } catch { throw ArchiveFailure(error) }
        case 1: _ = try archive.events(EventsQuestion(from: .first, count: 1000))
        default: _ = try archive.core.store.leafHashes(of: .first...end)
        }
    }
}

extension Upkeep.PurgeResult {
    fileprivate var isDone: Bool { if case .done = self { true } else { false } }
}

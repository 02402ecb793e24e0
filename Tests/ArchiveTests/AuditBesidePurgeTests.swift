import Events
import FoundationEssentials
import LMDB
import Synchronization
import TestSupport
import Testing

@testable import Archive

@Suite("Verifying beside a purge")
struct AuditBesidePurgeTests {
    /// An archive with an expired day and a kept one in it, of which copies are made where a purge reaches a point.
    private final class Place: Sendable {
        let home: TemporaryFolder
        let copies = Mutex<[String]>([])

        init() throws { home = try TemporaryFolder() }

        /// - Parameter isFolding: false: nothing is folded but what somebody waits for.
        func archive(copiedAt point: FailPoint, isFolding: Bool = false) throws -> Scratch {
            let scratch = try Scratch { options in
                options.purge.isAutomatic = false
                if !isFolding { options.foldMilliseconds = 600_000 }
                options.reached = { [self, path = options.path] reached in
                    guard reached == point else { return }
                    let copy = self.home.file("copy-\(self.copies.withLock { $0.count })")
                    do { try FileManager.default.copyItem(atPath: path, toPath: copy) } catch { Issue.record(error) }
                    self.copies.withLock { $0.append(copy) }
                }
            }
            scratch.lendAppender()
            _ = try scratch.keep(.tenant(TenantID("kept")), "forever")
            for tenant in ["acme", "kept"] {
                scratch.send((0..<20).map { number in Scratch.Post("m\(number)").with { $0.tenant = tenant } })
            }
            scratch.clock.advance(days: 200)
            scratch.archive.flush()
            _ = try scratch.archive.checkpoint().get()
            return scratch
        }

        var newest: String { get throws { try #require(copies.withLock { $0.last }) } }
    }

    private func purge(_ scratch: Scratch) throws {
        let upkeep = scratch.archive.upkeep
        let plan = try upkeep.plan(coverage: .everything, basis: .expired)
        #expect(plan.messages == 20)
        guard case .done = try upkeep.run(plan.id, count: plan.messages, by: .user(0)) else {
            Issue.record("refused")
            return
        }
    }

    @Test("no body is deleted before the receipt that says so is folded")
    func receiptFirst() throws {
        let place = try Place()
        let scratch = try place.archive(copiedAt: .reclaimed)
        try purge(scratch)
        #expect(try Reclaim(scratch.archive.core).toDo {}.isEmpty)
        scratch.archive.upkeep.tick()
        let report = try AuditCopies.verifyAsLive(try place.newest)
        #expect((report.findings, report.bodies, report.purged, report.receipts) == ([], 20, 20, 1))
        #expect(try Reclaim(scratch.archive.core).toDo {}.isEmpty)
    }

    @Test("nor before it is folded where a compaction is asked for")
    func compaction() throws {
        let place = try Place()
        let scratch = try place.archive(copiedAt: .reclaimed)
        try purge(scratch)
        _ = try scratch.archive.upkeep.compact(nil, minGainPercent: 0)
        let report = try AuditCopies.verifyAsLive(try place.newest)
        #expect((report.findings, report.bodies, report.purged, report.receipts) == ([], 20, 20, 1))
    }

    @Test("keys that are destroyed while their receipt is still to be written are no finding, beside a daemon and after a crash")
    func shredded() throws {
        let place = try Place()
        let scratch = try place.archive(copiedAt: .shredded)
        try purge(scratch)
        for isLive in [true, false] {
            let copy = try place.newest
            let report =
                try isLive ? AuditCopies.verifyAsLive(copy, isThorough: true) : AuditCopies.verify(copy, isThorough: true)
            #expect((report.findings, report.bodies, report.opened) == ([], 20, 20))
            #expect((report.purged, report.unreclaimed) == (20, 20))
        }
    }

    @Test("a body that is gone while a purge is under way is nothing that anybody can tell of yet")
    func underWay() throws {
        let place = try Place()
        let scratch = try place.archive(copiedAt: .shredded)
        try purge(scratch)
        let copy = try place.newest
        try AuditCopies.change(try #require(AuditCopies.partitions(of: copy).first)) { bodies, rows, transaction in
            try transaction.remove(rows[0].key, in: bodies)
        }
        let told = #expect(throws: ArchiveFailure.self) { try AuditCopies.verifyAsLive(copy) }
        #expect(told.map { "\($0)".contains("run it again") } == true)
        // Without a daemon nothing changes any more.
        #expect(try AuditCopies.verify(copy).verdict == .tampered)
    }
}

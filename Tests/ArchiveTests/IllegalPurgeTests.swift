import Events
import FoundationEssentials
import TestSupport
import Testing
import Vault

@testable import Archive

@Suite("Verifying what purges were allowed to do")
struct IllegalPurgeTests {
    private let files = FileManager.default

    /// An archive with an expired day of two tenants, of which one keeps its messages and one conversation of the other, too.
    private func archive() throws -> Scratch {
        let scratch = try Scratch { $0.purge.isAutomatic = false }
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

    /// Carries a plan out as a forger would, who has all that the daemon has.
    private func purge(
        _ scratch: Scratch, _ basis: PurgeBasis = .expired, by principal: Principal = .system,
        forging forge: (PurgeIntent) -> PurgeIntent = { $0 }
    ) throws {
        let plan = try scratch.archive.upkeep.plan(coverage: .everything, basis: basis)
        let intent = forge(try #require(plan.intents().first))
        var run = PurgeRun(scratch.archive.core, intent) { [upkeep = scratch.archive.upkeep] draft in upkeep.append(draft, by: principal) }
        while !run.isOver { try run.advance(flush: scratch.archive.flush) }
        if case .done = run.state {} else { Issue.record("\(run.state)") }
        scratch.archive.flush()
    }

    private func illegal(_ scratch: Scratch) throws -> [AuditFinding] {
        try AuditCopies.copy(of: scratch.path) { copy in
            try AuditCopies.verifyAsLive(copy).findings.filter { $0.sentence.contains("illegal") }
        }
    }

    private func expectNothing(_ report: AuditReport) { #expect(report.findings == []) }

    @Test("what is planned and carried out is legal")
    func legal() throws {
        let scratch = try archive()
        try purge(scratch)
        try purge(scratch, .before(scratch.clock.now), by: .user(0))
        expectNothing(try AuditCopies.verifyLive(scratch.path))
    }

    @Test("an intent that judges by a moment to come is told")
    func timeToCome() throws {
        let scratch = try archive()
        try purge(scratch) { $0.with(time: $0.horizonTime.advanced(byMilliseconds: 365 * Instant.millisecondsPerDay)) }
        #expect(try illegal(scratch).map(\.kind) == [.tampered])
    }

    @Test("an intent that goes by other rules than those before it is told")
    func otherRules() throws {
        let scratch = try archive()
        try purge(scratch) { $0.with(rules: $0.horizonPosition) }
        #expect(try illegal(scratch).map(\.kind) == [.tampered])
    }

    @Test("a purge of what has not expired, for which nobody asked, is told")
    func nobodyAsked() throws {
        let scratch = try archive()
        try purge(scratch, .before(scratch.clock.now), by: .system)
        #expect(try illegal(scratch).map(\.kind) == [.tampered])
    }

    @Test("a receipt of an intent that is over is told, and so is one that counts otherwise than its intent", arguments: [false, true])
    func otherReceipt(isSecond: Bool) throws {
        let scratch = try archive()
        if isSecond { try purge(scratch) }
        let plan = try scratch.archive.upkeep.plan(coverage: .everything, basis: isSecond ? .before(scratch.clock.now) : .expired)
        let intent = try #require(plan.intents().first)
        let all = try scratch.allEvents()
        let settled = all.last { if case .purgeIntent = $0.deed { true } else { false } }?.position
        let at = try isSecond ? #require(settled) : append(.purgeIntent(intent), scratch)
        let receipt = Purge(
            intent: at, outcome: .destroyed, messages: intent.messages, bytes: intent.bytes + 1, keys: intent.keyCount,
            digest: intent.digest)
        let position = try append(.purge(receipt), scratch)
        scratch.archive.flush()
        let found = try illegal(scratch)
        #expect(found.map(\.first) == [position])
        let words = isSecond ? "is not open" : "not what its intent was about"
        #expect(found.first?.sentence.contains(words) == true, "\(found)")
    }

    @Test("a step beside an open purge is told", arguments: [false, true])
    func beside(isRemoval: Bool) throws {
        let scratch = try archive()
        let intent = try #require(try scratch.archive.upkeep.plan(coverage: .everything, basis: .expired).intents().first)
        _ = try append(.purgeIntent(intent), scratch)
        let removal = PartitionRemove(
            partition: 1, period: .days(184), first: Position(1), last: Position(1), events: 1, messages: 1,
            digest: Array(repeating: 1, count: 32))
        let position = try append(isRemoval ? .partitionRemove(removal) : .purgeIntent(intent), scratch)
        scratch.archive.flush()
        let found = try illegal(scratch)
        #expect(found.map(\.first) == [position] && found.first?.sentence.contains("purge is under way") == true, "\(found)")
    }

    /// As a forger does, whom nobody asks.
    private func append(_ deed: Event.Deed, _ scratch: Scratch) throws -> Position {
        let position = scratch.appender.append(deed, tenant: nil, at: scratch.clock.now, by: .system)
        _ = scratch.commit()
        return position
    }

    @Test("an intent without a receipt excuses lost bodies that it is about, and no others", arguments: [false, true])
    func openIntent(isOfNobody: Bool) throws {
        let scratch = try archive()
        let plan = try scratch.archive.upkeep.plan(coverage: .everything, basis: .expired)
        var intent = try #require(plan.intents().first)
        if isOfNobody { intent = intent.with(coverage: Coverage(tenant: try TenantID("acme"), sender: try UserID("nobody"))) }
        #expect(scratch.archive.upkeep.append(.intent(intent), by: .user(0)).isAppended)
        scratch.archive.flush()
        let core = scratch.archive.core
        try core.vault.shred(Set(intent.keyIDs), now: core.now) { _ in }
        try AuditCopies.copy(of: scratch.path) { copy in
            let losses = try AuditCopies.verify(copy, isThorough: true).findings.filter { $0.sentence.contains("no receipt says") }
            #expect(losses.isEmpty == !isOfNobody)
        }
    }

    @Test("a keyring of before a purge is told where it lies, and its dead keys are destroyed with the next start")
    func olderKeyring() throws {
        let scratch = try archive()
        let home = try TemporaryFolder()
        let old = home.file("vault")
        try files.copyItem(atPath: scratch.path + "/vault", toPath: old)
        try purge(scratch)
        try scratch.close()
        try files.removeItem(atPath: scratch.path + "/vault")
        try files.copyItem(atPath: old, toPath: scratch.path + "/vault")
        let findings = try AuditCopies.verify(scratch.path, isThorough: true).findings
        #expect(findings.contains { $0.kind == .tampered && $0.sentence.contains("that receipts say are destroyed") })
        try scratch.open()
        #expect(scratch.archive.leftover.destroyedAgain > 0)
        try scratch.close()
        expectNothing(try AuditCopies.verify(scratch.path, isThorough: true))
        try scratch.open()
        #expect(scratch.archive.leftover.destroyedAgain == 0)
    }

    @Test("bodies that stay, sealed as they were before their keys were destroyed, are told without any key")
    func olderPartition() throws {
        let scratch = try archive()
        scratch.send(
            Scratch.Post("held").with { post in
                post.sender = "eve"
                post.at = Scratch.start
            })
        let coverage = Coverage(tenant: try TenantID("acme"), sender: try UserID("eve"))
        let hold = HoldPlace(id: try HoldID("first"), coverage: coverage, matter: "7", reason: "a court")
        #expect(scratch.rule(.place(hold)).isAppended)
        scratch.archive.flush()
        let home = try TemporaryFolder()
        let path = try #require(try AuditCopies.partitions(of: scratch.path).first)
        let old = home.file("old.mdb")
        try scratch.close()
        try files.copyItem(atPath: path, toPath: old)
        try scratch.open()
        scratch.lendAppender()
        try purge(scratch)
        try scratch.close()
        expectNothing(try AuditCopies.verify(scratch.path))
        try files.removeItem(atPath: path)
        try files.copyItem(atPath: old, toPath: path)
        let findings = try AuditCopies.verify(scratch.path).findings
        let held = Position(42)
        #expect(findings.contains { $0.kind == .tampered && $0.first == held && $0.sentence.contains("none of those") })
    }
}

extension PurgeIntent {
    fileprivate func with(coverage: Coverage? = nil, time: Instant? = nil, rules: Position? = nil) -> PurgeIntent {
        PurgeIntent(
            coverage: coverage ?? self.coverage, basis: basis, horizonPosition: horizonPosition, horizonTime: time ?? horizonTime,
            rules: rules ?? self.rules, held: held, floored: floored, locked: locked, lines: lines, digest: digest)
    }
}

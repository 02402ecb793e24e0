import Events
import FoundationEssentials
import Testing
import Vault

@testable import Archive

/// A log that is older than its keyring: purges came later, which it knows nothing of.
@Suite("Restored logs")
struct RestoredLogTests {
    private let files = FileManager.default

    @Test(
        "what a later purge destroyed is purged without a receipt, also after this log has purged what lay beside it",
        arguments: [["left"], ["left", "kept"]])
    func purgedBeside(destroyed: [String]) throws {
        let scratch = try filled()
        try destroyLater(scratch, destroyed)
        #expect(try purge(scratch, "expired") == 3)
        scratch.archive.upkeep.tick()
        try check(scratch, destroyed)
        #expect(try scratch.message("m1", tenant: "expired")?.receipt != nil)
        #expect(try scratch.archive.upkeep.compact(nil, minGainPercent: 0).get().isEmpty == false)
        try check(scratch, destroyed)
        try scratch.reopen()
        try check(scratch, destroyed)
    }

    @Test("an intent that was withdrawn here is no receipt for what another purge destroyed later")
    func withdrawn() throws {
        let scratch = try filled()
        try withdraw(scratch, "left")
        scratch.archive.flush()
        try destroyLater(scratch, ["left"])
        #expect(try purge(scratch, "expired") == 3)
        scratch.archive.upkeep.tick()
        try check(scratch, ["left"])
    }

    /// Three tenants in one partition, of whom one is expired.
    private func filled() throws -> Scratch {
        let scratch = try Scratch { $0.purge.isAutomatic = false }
        scratch.lendAppender()
        for tenant in ["left", "kept"] { _ = try scratch.keep(.tenant(TenantID(tenant)), "forever") }
        for tenant in ["left", "kept", "expired"] {
            scratch.send((0..<3).map { number in Scratch.Post("m\(number)").with { $0.tenant = tenant } })
        }
        scratch.clock.advance(days: 200)
        scratch.archive.upkeep.tick()
        scratch.archive.flush()
        return scratch
    }

    /// Goes on in a folder from before a purge, with the keyring of after it.
    private func destroyLater(_ scratch: Scratch, _ tenants: [String]) throws {
        let copy = scratch.path + "-copy"
        defer { remove(copy) }
        try files.copyItem(atPath: scratch.path, toPath: copy)
        for tenant in tenants { try purge(scratch, tenant, everything: true) }
        try scratch.close()
        try files.removeItem(atPath: copy + "/vault")
        try files.moveItem(atPath: scratch.path + "/vault", toPath: copy + "/vault")
        try files.removeItem(atPath: scratch.path)
        try files.copyItem(atPath: copy, toPath: scratch.path)
        try scratch.open()
        scratch.lendAppender()
        try check(scratch, tenants)
    }

    /// A purge that a rule comes in the way of.
    private func withdraw(_ scratch: Scratch, _ tenant: String) throws {
        let plan = try scratch.archive.upkeep.plan(coverage: Coverage(tenant: TenantID(tenant)), basis: .before(scratch.clock.now))
        var run = PurgeRun(scratch.archive.core, try #require(plan.intents().first)) { draft in
            scratch.archive.upkeep.append(draft, by: .user(0))
        }
        try run.advance(flush: scratch.archive.flush)
        _ = try scratch.keep(.tenant(TenantID("somebody")), "1y")
        while !run.isOver { try run.advance(flush: scratch.archive.flush) }
        if case .withdrawn = run.state { return }
        Issue.record("\(run.state)")
    }

    @discardableResult
    private func purge(_ scratch: Scratch, _ tenant: String, everything: Bool = false) throws -> UInt64 {
        let coverage = Coverage(tenant: try TenantID(tenant))
        let basis = everything ? PurgeBasis.before(scratch.clock.now) : .expired
        let plan = try scratch.archive.upkeep.plan(coverage: coverage, basis: basis)
        let result = try scratch.archive.upkeep.run(plan.id, count: plan.messages, by: .user(0))
        guard case .done = result else {
            Issue.record("\(result)")
            return 0
        }
        return plan.messages
    }

    private func check(_ scratch: Scratch, _ destroyed: [String]) throws {
        for tenant in ["left", "kept"] {
            let message = try #require(try scratch.message("m1", viewer: "bob", tenant: tenant))
            #expect(message.state == (destroyed.contains(tenant) ? .purged : .visible) && message.receipt == nil)
            let history = try #require(try scratch.archive.history(tenant: TenantID(tenant), id: MessageID("m1")))
            #expect(history.message.state == message.state)
        }
    }

    private func remove(_ path: String) {
        do { try files.removeItem(atPath: path) } catch { Issue.record(error) }
    }
}

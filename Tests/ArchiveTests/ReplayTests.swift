import Events
import FoundationEssentials
import TestSupport
import Testing
import Vault

@testable import Archive

@Suite("Replaying the log up to a moment")
struct ReplayTests {
    /// Random histories with purges, holds, policies, local deletes, imports and restarts: what a replay says of any moment is what the
    /// model says, and its digest is what the archive's was then. And a verification of all of it finds nothing.
    @Test("is what the archive was then, and what the model says of every message and viewer", arguments: 1...16)
    func equalsTheModel(round: Int) throws {
        var random = SeededRandom(for: "replay, round \(round)")
        let world = try PurgeWorld(seed: random.next(), histories: 1 + round % 8)
        var digests: [StateDigest] = []
        for turn in 0..<40 {
            try world.turn()
            if turn.isMultiple(of: 8) { digests.append(try world.scratch.archive.digest().get()) }
        }
        try world.tick()
        try world.absorb()
        digests.append(try world.scratch.archive.digest().get())
        try withCopy(of: world) { copy, home in
            var options = AuditVerify.Options()
            options.isThorough = true
            options.rootKey = .file(copy + "/vault/root.key")
            let findings = try AuditVerify(of: copy, options).run { _ in }.findings
            #expect(findings.map(\.sentence) == [], "\(findings)")
            for digest in digests where digest.position != .none {
                let log = try replay(copy, .position(digest.position), home)
                #expect(log.digest == digest.bytes, "at \(digest.position)")
                try compare(log, world)
            }
            for _ in 0..<3 where world.end > 0 {
                try compare(try replay(copy, .position(Position(UInt64(Int.random(in: 1...world.end, using: &random)))), home), world)
            }
        }
    }

    private func replay(_ folder: String, _ moment: Replay.Moment, _ home: TemporaryFolder) throws -> ReplayedLog {
        let target = home.file("replay-\(moment)-\(UInt64.random(in: .min ... .max))")
        return try Replay(of: folder, to: target).run(until: moment) { _, _ in }
    }

    private func withCopy(of world: PurgeWorld, _ body: (String, TemporaryFolder) throws -> Void) throws {
        let home = try TemporaryFolder.inMemory()
        world.scratch.archive.flush()
        try FileManager.default.copyItem(atPath: world.scratch.path, toPath: home.file("copy"))
        try body(home.file("copy"), home)
    }

    private func compare(_ log: ReplayedLog, _ world: PurgeWorld) throws {
        let position = Int(log.position.rawValue)
        #expect(Int(log.time.milliseconds) == world.recorded[position])
        var views: [String: PurgeModel.View] = [:]
        var seen = 0
        try log.forEachMessage { message in
            let tenant = message.tenant.text
            let moment = PurgeModel.Moment(position: position, time: world.recorded[position])
            let view = views[tenant] ?? world.model.view(of: tenant, at: moment)
            views[tenant] = view
            // Of a time that is still to come: an import's own, which nobody knows yet.
            guard let wanted = view.messages.first(where: { $0.position == Int(message.position.rawValue) }) else { return }
            seen += 1
            let (state, wasVisible) = view.state(of: wanted, for: nil)
            // What was destroyed since, the archive tells of, and a replay does not know yet.
            let expected = state == .purged && wasVisible ? .visible : state
            #expect(message.state.rawValue == expected.rawValue, "#\(message.position) as of \(position)")
            #expect(message.isHeld == view.isHeld(wanted), "#\(message.position) as of \(position)")
            for viewer in PurgeWorld.names.people {
                let isHidden = message.hiders.contains { $0.text == viewer }
                #expect(isHidden == view.isHidden(wanted, from: viewer), "#\(message.position) for \(viewer) as of \(position)")
            }
        }
        let all = world.tenants.reduce(0) { count, tenant in
            count + world.model.view(of: tenant, at: .init(position: position, time: world.recorded[position])).messages.count
        }
        #expect(seen == all)
    }

    @Test("a moment between two events is that of the first, and a digest outlives purges and local deletes")
    func byTime() throws {
        let scratch = try Scratch()
        scratch.send(Scratch.Post("a"))
        let before = try scratch.archive.digest().get()
        scratch.clock.advance(milliseconds: 1000)
        scratch.send([Scratch.Post("b"), Scratch.Post("c")])
        _ = try scratch.delete(["a"], viewer: "bob")
        try scratch.close()
        defer { do { try scratch.open() } catch { Issue.record(error) } }
        let home = try TemporaryFolder()
        for (milliseconds, position) in [(-1, 0), (0, 1), (999, 1), (1000, 4), (5000, 4)] as [(Int64, UInt64)] {
            let time = Scratch.start.advanced(byMilliseconds: milliseconds)
            let log = try Replay(of: scratch.path, to: home.file("\(milliseconds)")).run(until: .time(time)) { _, _ in }
            #expect(log.position == Position(position))
            if position == 1 { #expect(log.digest == before.bytes) }
            let tally = try log.tallies()[TenantID("acme")]
            #expect(tally?.messages == (position == 0 ? nil : position == 1 ? 1 : 3))
            #expect(tally?.hidden == (position == 0 ? nil : position == 1 ? 0 : 1))
        }
        #expect(throws: ArchiveFailure.self) { try Replay(of: scratch.path, to: home.file("0")) }
        #expect(throws: ArchiveFailure.self) { try Replay(of: scratch.path, to: home.file("nowhere/at/")) }
        #expect(!FileManager.default.fileExists(atPath: home.file("nowhere")))
        #expect(throws: ArchiveFailure.self) {
            try Replay(of: scratch.path, to: home.file("beyond")).run(until: .position(Position(5))) { _, _ in }
        }
    }
}

import Events
import Foundation
import Glibc
import Journal
import TestSupport
import Testing

@testable import Archive
@testable import ArchiveTests

/// A purge with an evacuation, reclaiming, compaction and the removal of a trail, in which the machine stops at each call in turn.
@Suite("A crash while something is destroyed")
struct DestroyingTests {
    /// Each call in turn takes minutes: otherwise every so many, from a random one on.
    static let stride = SimulationTests.number("ANNALS_STRIDE") ?? 41

    @Test("what must go is gone after the next start, what must stay is there, and the log is sound", arguments: Disk.Survival.allCases)
    func ends(after survival: Disk.Survival) throws {
        var random = SeededRandom(for: "destroying, \(survival)")
        var call = Int.random(in: 1...Self.stride, using: &random)
        var crashes = 0
        while try stop(at: call, survival, seed: random.next(), isKill: random.chance(of: 1, in: 5)) {
            call += Self.stride
            crashes += 1
        }
        #expect(crashes > 0)
        print("destroying: \(crashes) crashes, \(survival)")
    }

    private func stop(at call: Int, _ survival: Disk.Survival, seed: UInt64, isKill: Bool) throws -> Bool {
        let life = try Destruction()
        life.disk.die(after: call)
        life.live()
        if !life.disk.isDead { return false }
        do { try life.scratch.close() } catch { #expect(life.disk.isDead) }
        if isKill { life.disk.revive() } else { life.disk.crash(survival, seed: seed) }
        do { try life.expectEnd() } catch {
            Issue.record("stopped at call \(call), kill \(isKill), seed \(seed): \(error)\n\(life.disk.trace)")
            return false
        }
        return true
    }
}

extension DestroyingTests {
    @Test("after a failed call and a restart, with a crash or without, it ends as well", arguments: [EIO, ENOSPC])
    func endsAfterFailure(error: Int32) throws {
        var random = SeededRandom(for: "destroying, error \(error)")
        var call = Int.random(in: 0..<Self.stride, using: &random)
        while try fail(at: call, error, isForever: random.chance(of: 1, in: 4), isCrash: random.chance(of: 1, in: 2)) {
            call += Self.stride
        }
        #expect(call > Self.stride)
    }

    private func fail(at call: Int, _ error: Int32, isForever: Bool, isCrash: Bool) throws -> Bool {
        let life = try Destruction()
        life.disk.fail([.write, .sync, .resize, .rename, .unlink, .make], after: call, error: error, forever: isForever)
        life.live()
        if life.disk.failed == 0 { return false }
        life.disk.mend()
        if isCrash { life.disk.die(after: 0) }
        do { try life.scratch.close() } catch { #expect(life.disk.failed > 0) }
        if isCrash { life.disk.crash(.nothing, seed: 0) }
        do { try life.expectEnd() } catch {
            Issue.record("call \(call) failed, forever \(isForever), crash \(isCrash): \(error)\n\(life.disk.trace)")
            return false
        }
        return true
    }
}

/// An archive of which much must go.
private final class Destruction {
    let scratch: Scratch
    let disk: Disk
    private var root: [UInt8] = []

    init() throws {
        var made: Disk?
        scratch = try Scratch(inMemory: true) { options in
            options.threads = .none
            options.journal = .init(segmentBytes: 256 << 10, segments: 2, salt: 1)
            options.mapBytes = 64 << 20
            options.purge.dailyMinute = 0
            options.purge.lagMilliseconds = 3_600_000
            options.purge.sliceBodies = 2
            options.purge.compactionBytesPerSecond = 0
            options.purge.trailPeriod = PurgeOptions.trailPeriodLeast
            made = try Simulation.makeDisk(options, seed: 1)
        }
        disk = try #require(made)
        scratch.lendAppender()
        try fill()
        root = Array(try #require(FileManager.default.contents(atPath: scratch.path + "/vault/root.key")).prefix(64))
    }

    deinit {
        disk.mend()
        disk.spare()
        if scratch.isOpen { do { try scratch.close() } catch { #expect(disk.isDead || disk.failed > 0) } }
        disk.end()
    }

    /// `long-…` is over with its trail, of `old-…` some are held, and `new` stays.
    private func fill() throws {
        let hold = HoldPlace(
            id: try HoldID("h"), coverage: Coverage(tenant: try TenantID("acme"), sender: try UserID("ben")), matter: "7", reason: "court")
        scratch.rule(.place(hold))
        func posts(_ name: String, _ days: Int64, _ sender: String) -> [Scratch.Post] {
            (0..<6).map { number in
                Scratch.Post("\(name)-\(number)").with {
                    $0.sender = sender
                    $0.at = Scratch.start.advanced(byMilliseconds: -days * Instant.millisecondsPerDay)
                    $0.body = String(repeating: "x", count: 3000)
                }
            }
        }
        scratch.send(posts("long", 280, "ann") + posts("old", 200, "ann") + posts("held", 200, "ben") + [Scratch.Post("new")])
        scratch.archive.flush()
    }

    func live() {
        for _ in 0..<3 {
            scratch.clock.advance(days: 1)
            scratch.archive.upkeep.tick()
        }
        do { _ = try scratch.archive.upkeep.compact(nil, minGainPercent: 0) } catch { #expect(disk.isDead || disk.failed > 0, "\(error)") }
    }

    func expectEnd() throws {
        // That for days none could be signed is told, and true.
        try expectSound(besides: "/audit/checkpoints")
        try scratch.open()
        scratch.lendAppender()
        // Where the machine stopped before the first reading of the clocks was kept, somebody has to say that days have gone by.
        if scratch.archive.upkeepStatus().doubt != nil { scratch.rule(.confirmClock(reason: "looked")) }
        for _ in 0..<4 {
            scratch.clock.advance(days: 1)
            scratch.archive.upkeep.tick()
        }
        #expect(scratch.archive.upkeepStatus().lastError == nil)
        #expect(try scratch.message("long-3") == nil)
        #expect(try scratch.message("old-3")?.state == .purged)
        #expect(try scratch.message("held-3")?.state == .expired)
        #expect(try scratch.message("new", viewer: "ben")?.body.map { String(decoding: $0, as: UTF8.self) } == "hello")
        let held = try scratch.archive.history(tenant: TenantID("acme"), id: MessageID("held-3"))?.message.body
        #expect(held?.count == 3000)
        try scratch.close()
        try expectSound()
        let names = FileManager.default.enumerator(atPath: scratch.path)?.compactMap { $0 as? String } ?? []
        #expect(names.filter { Disk.contains(root, scratch.path + "/" + $0) } == [])
    }

    private func expectSound(besides place: String? = nil) throws {
        let report = try AuditVerify(of: scratch.path, .init()).run { _ in }
        let findings = report.findings.filter { finding in place.map { !finding.place.hasSuffix($0) } ?? true }
        #expect(findings.isEmpty && report.furtherFindings == 0, "\(findings)")
    }
}

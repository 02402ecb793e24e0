import Events
import Glibc
import Journal
import TestSupport
import Testing

@testable import Archive
@testable import ArchiveTests

/// A short life of an archive, from an empty folder on, in which the machine stops at each call in turn.
@Suite("A crash at every call")
struct EveryCallTests {
    @Test("whatever is torn, the next start goes on with what was answered", arguments: Disk.Survival.allCases)
    func startsAgain(after survival: Disk.Survival) throws {
        var calls = 0
        repeat { calls += 1 } while try live(upTo: calls, survival)
        #expect(calls > 50)
    }

    /// Returns whether the machine stopped.
    private func live(upTo calls: Int, _ survival: Disk.Survival) throws -> Bool {
        for seed in 0..<UInt64(survival == .any ? 4 : 1) {
            let life = try ShortLife()
            life.disk.die(after: calls)
            let answered = life.run()
            if !life.disk.isDead { return false }
            life.disk.crash(survival, seed: seed)
            try life.expect(answered, "stopped at call \(calls), seed \(seed)")
        }
        return true
    }

    @Test("what a killed process had not synced is durable before anything is built on it")
    func buildsOnWhatIsDurable() throws {
        var calls = 0
        repeat { calls += 1 } while try killed(at: calls)
        #expect(calls > 50)
    }

    private func killed(at call: Int) throws -> Bool {
        let life = try ShortLife()
        life.disk.die(after: call)
        let answered = life.run()
        if !life.disk.isDead { return false }
        life.disk.revive()
        let later = life.run(["d"])
        life.disk.crash(.nothing, seed: 0)
        try life.expect(answered + later, "killed at call \(call)")
        #expect(later == ["d"])
        return true
    }

    @Test("after a failed call and a restart nothing is built on what the disk has lost", arguments: [EIO, ENOSPC, EINTR])
    func survivesFailures(error: Int32) throws {
        var calls = 0
        repeat { calls += 1 } while try failed(at: calls, error)
        #expect(calls > 50)
    }

    private func failed(at call: Int, _ error: Int32) throws -> Bool {
        let life = try ShortLife()
        life.disk.fail([.write, .sync, .resize, .rename, .unlink, .make], after: call, error: error, forever: false)
        let answered = life.run()
        if life.disk.failed == 0 { return false }
        let later = life.run(["d"])
        life.disk.crash(.nothing, seed: 0)
        try life.expect(answered + later, "call \(call) failed with \(error)")
        #expect(later == ["d"])
        return true
    }
}

/// Some messages of different days, and folds between them.
final class ShortLife {
    let disk: Disk
    private let folder: TemporaryFolder
    private var options: ArchiveOptions
    static let ids = ["a", "b", "c"]

    init() throws {
        folder = try .inMemory()
        options = ArchiveOptions(path: folder.file("archive"))
        options.threads = .none
        options.journal = .init(segmentBytes: 512 << 10, segments: 2, salt: 1)
        options.batchBytesMax = 128 << 10
        options.mapBytes = 64 << 20
        options.diskReserveBytes = 0
        disk = try Simulation.makeDisk(options, seed: 1)
    }

    deinit { disk.end() }

    /// Returns the messages that were answered before the machine stopped. After a refusal for want of room others may follow.
    func run(_ ids: [String] = ShortLife.ids) -> [String] {
        var answered: [String] = []
        do {
            let (archive, appender) = try Archive.open(options) { Scratch.start }
            for (day, id) in ids.enumerated() {
                if send(id, day: day, to: appender) { answered.append(id) }
                archive.flush()
            }
            try archive.close(appender)
        } catch { return answered }  // The machine stopped.
        return answered
    }

    private func send(_ id: String, day: Int, to appender: Appender) -> Bool {
        let texts = ["acme", "general", "ann", id, "hello"].map { Array($0.utf8) }
        var isAnswered = false
        Scratch.withBuffers(texts) { bytes in
            let draft = SendDraft(
                tenant: bytes[0], conversation: bytes[1], sender: bytes[2], messageID: bytes[3], body: bytes[4],
                contentType: .init(start: nil, count: 0), clientTime: nil, expected: nil,
                at: Scratch.start.advanced(byMilliseconds: -Int64(day) * Instant.millisecondsPerDay))
            appender.send(draft, by: .user(1000), ticket: Ticket(0), now: Scratch.start)
        }
        appender.commit { _, verdict in isAnswered = verdict.isAppended }
        return isAnswered
    }

    /// All that was answered must be there after another start.
    func expect(_ answered: [String], _ when: String) throws {
        let trace = disk.trace
        do {
            let found = try rest()
            #expect(Set(found).isSuperset(of: answered) && Set(found).count == found.count, "\(when): \(found)")
        } catch {
            Issue.record("\(when): \(error)\n\(trace)")
            throw error
        }
    }

    /// The ids that are there after another start.
    private func rest() throws -> [String] {
        let (archive, appender) = try Archive.open(options) { Scratch.start }
        let events = try archive.events(EventsQuestion(from: .first, count: 100)).events
        for event in events {
            guard case .send(let send) = event.deed, let tenant = event.tenant else { continue }
            let body = try archive.history(tenant: tenant, id: send.messageID)?.message.body
            #expect(body.map { String(decoding: $0, as: UTF8.self) } == "hello", "\(send.messageID)")
        }
        try archive.close(appender)
        return events.compactMap { if case .send(let send) = $0.deed { send.messageID.text } else { nil } }
    }
}

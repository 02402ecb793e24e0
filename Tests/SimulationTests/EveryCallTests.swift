import Events
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
            let trace = life.disk.trace
            let found: [String]
            do { found = try life.rest() } catch {
                Issue.record("at call \(calls), seed \(seed): \(error)\n\(trace)")
                return false
            }
            #expect(found.count >= answered && found.starts(with: ShortLife.ids.prefix(answered)), "at call \(calls), seed \(seed)")
        }
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

    /// Returns how many messages were answered before the machine stopped.
    func run() -> Int {
        var answered = 0
        do {
            let (archive, appender) = try Archive.open(options) { Scratch.start }
            for (day, id) in Self.ids.enumerated() {
                if send(id, day: day, to: appender) { answered += 1 }
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

    /// The ids that are there after another start.
    func rest() throws -> [String] {
        let (archive, appender) = try Archive.open(options) { Scratch.start }
        let events = try archive.events(EventsQuestion(from: .first, count: 100)).events
        for event in events {
            guard case .send(let send) = event.deed, let tenant = event.tenant else { continue }
            let body = try archive.history(tenant: tenant, id: send.messageID)?.message.body
            #expect(body.map { String(decoding: $0, as: UTF8.self) } == "hello")
        }
        try archive.close(appender)
        return events.compactMap { if case .send(let send) = $0.deed { send.messageID.text } else { nil } }
    }
}

import Events
import FoundationEssentials
import LMDB
import Merkle
import Projections
import Synchronization
import TestSupport
import Testing

@testable import Archive
@testable import Ledger

@Suite("Verifying what left the log")
struct RemovalAuditTests {
    private let files = FileManager.default

    private func verify(_ path: String) throws -> AuditReport { try AuditVerify(of: path, AuditVerify.Options()).run { _ in } }

    private func stone(_ path: String) -> String { path + "/partitions/2026-11-23.tombstone" }
    private func file(_ path: String) -> String { path + "/partitions/2026-11-23.mdb" }

    /// An archive whose first partition left, with a policy that stays, and that goes on.
    private func removed() throws -> Scratch {
        let scratch = try Scratch.forgetful()
        scratch.send([Scratch.Post("a"), Scratch.Post("b")])
        _ = try scratch.keep(.tenant(TenantID("acme")), "181d")
        scratch.live(days: 187)
        scratch.send(Scratch.Post("now"))
        #expect(scratch.removals == 1 && !scratch.hasFirstPartition)
        return scratch
    }

    private func refused(_ words: String, _ deed: () throws -> Void) {
        let failure = #expect(throws: ArchiveFailure.self) { try deed() }
        #expect(failure.map { "\($0)".contains(words) } == true, "\(failure.map { "\($0)" } ?? "nothing")")
    }

    @Test("a removal is sound, and so it is wherever a crash cuts it short, also the second time")
    func steps() throws {
        let home = try TemporaryFolder()
        let from = Mutex<String?>(nil)
        let count = Mutex(0)
        let scratch = try Scratch.forgetful { options in
            options.foldMilliseconds = 3_600_000
            options.reached = { point in
                guard let path = from.withLock({ $0 }),
                    [.removalDrafted, .removalLogged, .removalRaised, .removalForgotten].contains(point)
                else { return }
                let number = count.withLock { count in
                    count += 1
                    return count
                }
                do { try FileManager.default.copyItem(atPath: path, toPath: home.file("\(number)")) } catch { Issue.record(error) }
            }
        }
        from.withLock { [path = scratch.path] in $0 = path }
        _ = try scratch.keep(.tenant(TenantID("acme")), "181d")
        scratch.send([Scratch.Post("a"), Scratch.Post("b")])
        scratch.live(days: 187)
        scratch.send(Scratch.Post("late").with { $0.at = Scratch.start })
        scratch.live(days: 2)
        scratch.send(Scratch.Post("now"))
        #expect(count.withLock { $0 } == 8 && scratch.removals == 1)
        for number in 1...8 {
            let report = try verify(home.file("\(number)"))
            #expect(report.verdict == .sound, "\(number): \(report.findings)")
        }
        try scratch.close()
        #expect(try verify(scratch.path).findings == [])
        try scratch.open()
    }

    /// A tombstone with right hashes, runs and totals.
    private func forge(_ path: String) throws {
        let shelf = try PartitionShelf(
            folder: path + "/partitions", length: .day, indexes: PartitionIndex.tableNames, openMax: 4, options: .init(.readFrozen))
        let id = shelf.length.partition(of: Scratch.start)
        let stones = try Tombstones(folder: path + "/partitions", length: .day)
        guard let lease = try shelf.lease(id) else { preconditionFailure("the first partition is there because the archive was closed") }
        var draft = try TombstoneDraft(of: id, at: stones.draft(of: id))
        var walk = TrailWalk(of: lease.partition)
        while let slice = try walk.next() {
            for row in slice { try row.record.withUnsafeBytes { try draft.add(row.position, $0, isKept: row.fields.kind.isRule) } }
        }
        try stones.raise(draft.finish(try #require(try lease.partition.totalsAndBodies().totals)))
    }

    @Test("a day that somebody put a tombstone in the place of is found, and keeps the daemon from starting", arguments: [false, true])
    func forged(isFileThere: Bool) throws {
        let scratch = try Scratch.forgetful()
        scratch.send([Scratch.Post("a"), Scratch.Post("b")])
        scratch.live(days: 3)
        scratch.send(Scratch.Post("now"))
        try scratch.close()
        let day = try Data(contentsOf: URL(filePath: file(scratch.path)))
        try forge(scratch.path)
        if !isFileThere { try files.removeItem(atPath: file(scratch.path)) }
        try scratch.rebuild()
        let report = try verify(scratch.path)
        #expect(report.verdict == .tampered)
        let finding = try #require(report.findings.first { $0.kind == .tampered })
        #expect((finding.first, finding.last, finding.place) == (Position(1), Position(2), stone(scratch.path)))
        refused("the log does not") { try scratch.open() }
        try files.removeItem(atPath: stone(scratch.path))
        try day.write(to: URL(filePath: file(scratch.path)))
        try scratch.rebuild()
        #expect(try verify(scratch.path).findings == [])
        try scratch.open()
    }

    @Test("a record that a tombstone keeps is the one that was there, whatever its digest says")
    func rewritten() throws {
        let scratch = try removed()
        try scratch.close()
        let whole = try Data(contentsOf: URL(filePath: stone(scratch.path)))
        let position = try rewrite(scratch.path)
        for deed in [{ try scratch.open() }, { _ = try scratch.rebuild() }, { _ = try Replay(of: scratch.path, to: scratch.path + "-r") }] {
            refused("is not the one that was there", deed)
        }
        let report = try verify(scratch.path)
        let all = [position, position, Position(1), Position(3)]
        #expect(report.findings.filter { $0.kind == .tampered && $0.place == stone(scratch.path) }.flatMap { [$0.first, $0.last] } == all)
        try whole.write(to: URL(filePath: stone(scratch.path)))
        #expect(try verify(scratch.path).findings == [])
        try scratch.open()
    }

    /// Another principal in the first record that is kept.
    private func rewrite(_ path: String) throws -> Position {
        let file = TombstoneFile(path: stone(path))
        let old = try file.read(PartitionLength.day.partition(of: Scratch.start))
        let kept = try #require(old.kept.first)
        var event = try Event(decoding: kept.record)
        event.principal = .user(77)
        let (stone, head) = Tombstone.made(
            old.partition, old.totals, runs: old.runs,
            kept: [Tombstone.Kept(position: kept.position, record: event.encoded())] + old.kept.dropFirst(), root: old.root)
        let hashes = try Data(contentsOf: URL(filePath: file.path)).prefix(16 + 32 * Int(old.totals.events))
        let length = withUnsafeBytes(of: UInt64(head.count).bigEndian) { Array($0) }
        try (hashes + head + length + stone.digest).write(to: URL(filePath: file.path))
        return kept.position
    }

    @Test("a tombstone that was truncated, emptied or removed is a finding that names it", arguments: [0, 30, 200, nil])
    func cut(length: Int?) throws {
        let scratch = try removed()
        let removal = try #require(try scratch.allEvents().first { $0.kind == .partitionRemove })
        try scratch.close()
        let whole = try Data(contentsOf: URL(filePath: stone(scratch.path)))
        if let length { try whole.prefix(length).write(to: URL(filePath: stone(scratch.path))) }
        if length == nil { try files.removeItem(atPath: stone(scratch.path)) }
        let report = try verify(scratch.path)
        #expect(report.verdict == .damaged)
        if length == nil {
            #expect(report.findings.contains { $0.first == removal.position && $0.sentence.contains("neither its tombstone nor its file") })
        } else {
            #expect(report.findings.contains { $0.place == stone(scratch.path) && $0.sentence.contains("cannot be read") })
        }
        try whole.write(to: URL(filePath: stone(scratch.path)))
        try scratch.open()
    }

    @Test("an event that left the log does not come back with a file that came later")
    func returned() throws {
        let scratch = try removed()
        scratch.send(Scratch.Post("late").with { $0.at = Scratch.start })
        scratch.archive.flush()
        try scratch.close()
        #expect(try verify(scratch.path).findings == [])
        try putBack(file(scratch.path))
        let report = try verify(scratch.path)
        #expect(report.findings.contains { ($0.first, $0.place) == (Position(2), file(scratch.path)) })
    }

    /// Some record at a position that has left.
    private func putBack(_ path: String) throws {
        let tables = ["trail", "bodies", "meta"] + PartitionIndex.tableNames
        let environment = try Environment(opening: path, tables: tables, options: .init(.write, mapBytes: 1 << 30))
        try environment.write { transaction in
            let key = Position(2).key
            try transaction.put([1, 2, 3].span.bytes, for: key.span.bytes, in: environment.table(named: "trail"))
        }
    }

    private func remove(_ scratch: Scratch, by period: Period) throws {
        let removal = PartitionRemoval(core: scratch.archive.core, id: scratch.firstPartition)
        let event = try #require(try removal.draft(period))
        #expect(scratch.archive.upkeep.append(.removal(event), by: .system).isAppended)
        scratch.archive.flush()
        try removal.finish(event)
    }

    @Test(
        "a partition that was removed before its trail was over is found, also by a period that nobody may set",
        arguments: [PurgeOptions.trailPeriodLeast, .days(1)])
    func tooEarly(period: Period) throws {
        let scratch = try Scratch.forgetful()
        scratch.send(Scratch.Post("a"))
        scratch.live(days: Scratch.purgedDays)
        scratch.send(Scratch.Post("now"))
        scratch.archive.flush()
        try remove(scratch, by: period)
        try scratch.close()
        let report = try verify(scratch.path)
        #expect(report.findings.count == 1, "\(report.findings)")
        #expect(report.findings.first?.sentence.contains("before its trail was over") == true)
        try scratch.open()
    }
}

import Events
import FoundationEssentials
import Glibc
import LMDB
import Ledger
import Merkle
import Projections
import TestSupport
import Testing

@testable import Archive

/// What somebody laid among an archive's files, or changed them to.
@Suite("Foreign files in a data folder")
struct ForeignFilesTests {
    private let files = FileManager.default
    private let scratch: Scratch
    private let partition: String
    private let stray: String

    /// A closed archive of three days.
    init() throws {
        scratch = try Scratch.forgetful()
        for day in 0..<3 {
            scratch.send([Scratch.Post("a\(day)"), Scratch.Post("b\(day)")])
            scratch.live(days: 1)
        }
        _ = try scratch.archive.checkpoint().get()
        try scratch.close()
        partition = scratch.path + "/partitions/2026-11-24.mdb"
        stray = scratch.path + "/partitions/2026-12-20.mdb"
    }

    private func verify(outside: String? = nil, keys: [String] = []) throws -> AuditReport {
        var options = AuditVerify.Options()
        options.checkpointFiles = outside.map { [$0] } ?? []
        options.keys = keys
        return try AuditVerify(of: scratch.path, options).run { _ in }
    }

    private func change(_ path: String, _ body: (Environment, inout WriteTransaction) throws -> Void) throws {
        let tables = ["trail", "bodies", "meta"] + PartitionIndex.tableNames
        let environment = try Environment(opening: path, tables: tables, options: .init(.create, mapBytes: 1 << 30))
        try environment.write { transaction in try body(environment, &transaction) }
    }

    private func refused(_ words: String, _ deed: () throws -> Void) {
        let failure = #expect(throws: ArchiveFailure.self) { try deed() }
        #expect(failure.map { "\($0)".contains(words) } == true, "\(failure.map { "\($0)" } ?? "nothing")")
    }

    @Test("a partition's file without a trail has nothing else in it", arguments: ["bodies", "ids", "meta", nil])
    func emptyTrail(table: String?) throws {
        if table != nil { try files.copyItem(atPath: partition, toPath: stray) }
        try change(stray) { environment, transaction in
            for name in ["trail", "bodies", "meta"] + PartitionIndex.tableNames where name != table {
                try transaction.clear(environment.table(named: name))
            }
        }
        let report = try verify()
        #expect(report.verdict == (table == nil ? .sound : .damaged))
        #expect(report.findings.allSatisfy { $0.place == stray })
    }

    @Test("a name that no file of an archive has is told")
    func names() throws {
        #expect(try verify().findings == [])
        for name in ["2026-11-24.mdb.bak", "hello.mdb", "2026-11-24.tombstone.old"] {
            try Data([1]).write(to: URL(filePath: "\(scratch.path)/partitions/\(name)"))
        }
        let report = try verify()
        #expect(report.verdict == .damaged)
        #expect(
            report.findings.map { String($0.place.split(separator: "/").last ?? "") }.sorted() == [
                "2026-11-24.mdb.bak", "2026-11-24.tombstone.old", "hello.mdb",
            ])
    }

    @Test("a day's file that was copied to another day's name is told with both names")
    func copied() throws {
        try files.copyItem(atPath: partition, toPath: stray)
        let report = try verify()
        #expect(report.verdict == .damaged)
        let finding = try #require(report.findings.first { $0.sentence.contains("as well") })
        #expect(finding.place == stray && finding.sentence.contains(partition))
        #expect((finding.first, finding.last) == (Position(3), Position(4)))
    }

    @Test("a key beyond the last position is damage, to a verification, a replay and a rebuild", arguments: [UInt64(1) << 63, .max])
    func hugeKey(word: UInt64) throws {
        try change(partition) { environment, transaction in
            let trail = environment.table(named: "trail")
            let key = Position(word).key
            let third = Position(3).key
            let record = try #require(try transaction.reader.lend(third.span.bytes, in: trail) { $0.copied })
            var event = try Event(decoding: record)
            event.position = Position(word)
            try transaction.put(event.encoded().span.bytes, for: key.span.bytes, in: trail)
        }
        let report = try verify()
        #expect(report.verdict == .damaged)
        #expect(report.findings.contains { $0.place == partition && $0.sentence.contains("a key makes no sense") })
        #expect(throws: ArchiveFailure.self) { try Replay(of: scratch.path, to: scratch.path + "-replayed") }
        #expect(throws: ArchiveFailure.self) { try scratch.rebuild() }
    }

    @Test("a partition none of whose records can be read is damaged, and ends no process")
    func unreadableRecords() throws {
        try change(partition) { environment, transaction in
            let trail = environment.table(named: "trail")
            for number in 3...4 as ClosedRange<UInt64> {
                let key = Position(number).key
                let record = try #require(try transaction.reader.lend(key.span.bytes, in: trail) { $0.copied })
                try transaction.put(Array(record.dropLast()).span.bytes, for: key.span.bytes, in: trail)
            }
        }
        let unreadable = try verify().findings.filter { $0.sentence.contains("the record cannot be read") }
        #expect(unreadable.map(\.first) == [Position(3)] && unreadable.map(\.last) == [Position(4)])
    }

    @Test("a pipe under a partition's name is waited for by nobody")
    func pipe() throws {
        #expect(mkfifo(stray, 0o600) == 0)
        // Held open, so that whoever opens it anyhow does not wait in this test for ever.
        let held = Glibc.open(stray, O_RDWR)
        defer { close(held) }
        let report = try verify()
        #expect(report.verdict == .damaged)
        #expect(report.findings.contains { $0.place == stray && $0.sentence.contains("is no regular file") })
    }

    @Test("checkpoints are read from regular files alone, and from none that is too long to be one")
    func checkpointFiles() throws {
        refused("is no regular file") { _ = try verify(outside: "/dev/zero") }
        let origin = try #require(NoteLine("log"))
        refused("is no regular file") { _ = try CheckpointFile(path: "/dev/zero").all(of: origin) }
        let long = scratch.path + "-long"
        try Data().write(to: URL(filePath: long))
        defer { unlink(long) }
        #expect(truncate(long, off_t(CheckpointFile.bytesMax) + 1) == 0)
        let report = try verify(outside: long)
        #expect(report.findings.map(\.place) == [long])
    }

    @Test("a checkpoint of the empty log has the empty log's root")
    func emptyLog() throws {
        let file = CheckpointFile(path: scratch.path + "/audit/checkpoints")
        let last = try Checkpoint(parsing: try #require(try file.notes().last).text)
        let signer = try NoteSigner(name: try #require(NoteKeyName(last.origin)), seed: Array(repeating: 9, count: 32))
        let keys = try String(contentsOfFile: scratch.path + "/audit/keys", encoding: .utf8).split(separator: "\n").map(String.init)
        let root = last.head.root
        for (root, verdict) in [(TreeHash.empty, AuditReport.Verdict.sound), (root, .tampered)] {
            try file.append(
                Checkpoint(origin: last.origin, head: TreeHead(size: TreeSize(0), root: root)).signed(by: signer), of: last.origin)
            #expect(try verify(keys: keys + [signer.verifier.text]).verdict == verdict)
        }
    }
}

import Events
import FoundationEssentials
import LMDB
import Ledger
import Merkle
import Projections
import TestSupport
import Testing

@testable import Archive

@Suite("Verifying a data folder")
struct AuditVerifyTests {
    private static let day = Instant.millisecondsPerDay

    /// A closed archive with everything in it: several days, several tenants, rules, deletes, a hold, purges, checkpoints.
    private final class Folder {
        let scratch: Scratch
        let elsewhere: TemporaryFolder
        var path: String { scratch.path }
        var outside: String { elsewhere.file("checkpoints") }

        init(_ random: inout SeededRandom) throws {
            let elsewhere = try TemporaryFolder()
            self.elsewhere = elsewhere
            scratch = try Scratch { options in
                options.purge.compactionBytesPerSecond = 0
                options.audit.outsideFile = elsewhere.file("checkpoints")
            }
            scratch.lendAppender()
            for batch in 0..<12 {
                scratch.send(
                    (0..<60).map { number in
                        Scratch.Post("m\(batch)-\(number)").with {
                            $0.tenant = ["acme", "bolt"].randomElement(using: &random) ?? ""
                            $0.conversation = "c\(Int.random(in: 0..<4, using: &random))"
                            $0.sender = ["ann", "ben"].randomElement(using: &random) ?? ""
                            $0.body = String(repeating: "x", count: Int.random(in: 0...60, using: &random))
                            $0.at = Scratch.start.advanced(byMilliseconds: -Int64.random(in: 0..<3, using: &random) * day)
                        }
                    })
                _ = try scratch.delete(["m\(batch)-1"], viewer: "bob", conversation: "c1", tenant: "acme")
                _ = try scratch.read("m\(batch)-2")
                if batch.isMultiple(of: 4) { _ = try scratch.archive.checkpoint().get() }
            }
            _ = try scratch.keep(.conversation(TenantID("acme"), ConversationID("c2")), "forever")
            let held = Coverage(tenant: try TenantID("acme"), sender: try UserID("ben"))
            scratch.rule(.place(HoldPlace(id: try HoldID("h"), coverage: held, matter: "7", reason: "court")))
            for _ in 0..<182 {
                scratch.clock.advance(days: 1)
                scratch.archive.flush()
                scratch.archive.upkeep.tick()
            }
            scratch.send(Scratch.Post("today"))
            _ = try scratch.archive.checkpoint().get()
            try scratch.close()
        }

        deinit { do { try scratch.open() } catch { Issue.record(error) } }

        var partitions: [String] {
            get throws {
                try FileManager.default.contentsOfDirectory(atPath: path + "/partitions").filter { $0.hasSuffix(".mdb") }.sorted()
            }
        }
    }

    private func verify(_ path: String, outside: String? = nil, keys: [String] = []) throws -> AuditReport {
        var options = AuditVerify.Options()
        options.isThorough = true
        options.rootKey = .file(path + "/vault/root.key")
        options.checkpointFiles = outside.map { [$0] } ?? []
        options.keys = keys
        return try AuditVerify(of: path, options).run { _ in }
    }

    /// A copy of the folder for each damage.
    private func copy(of folder: Folder, _ body: (String) throws -> Void) throws {
        let home = try TemporaryFolder()
        let copy = home.file("copy")
        try FileManager.default.copyItem(atPath: folder.path, toPath: copy)
        try body(copy)
    }

    private func change(_ path: String, _ body: (Environment, inout WriteTransaction) throws -> Void) throws {
        let tables = ["trail", "bodies", "meta"] + PartitionIndex.tableNames
        let environment = try Environment(opening: path, tables: tables, options: .init(.write, mapBytes: 1 << 30))
        try environment.write { transaction in try body(environment, &transaction) }
    }

    private func rows(_ environment: Environment, _ table: String, _ reader: Reader) throws -> [(key: [UInt8], value: [UInt8])] {
        var cursor = try reader.cursor(in: environment.table(named: table))
        var rows: [(key: [UInt8], value: [UInt8])] = []
        while try cursor.next() { rows.append((cursor.key.copied, cursor.value.copied)) }
        return rows
    }

    @Test("a log that nobody touched is sound, and everything in it is accounted for")
    func sound() throws {
        var random = SeededRandom(for: "verify, sound")
        let folder = try Folder(&random)
        let report = try verify(folder.path, outside: folder.outside)
        #expect(report.findings == [])
        #expect(report.verdict == .sound)
        #expect(report.events == report.end.rawValue)
        #expect(report.messages == 721)
        #expect(report.bodies + report.purged == report.messages)
        #expect(report.opened == report.bodies)
        #expect(report.purged > 100)
        #expect(report.receipts > 0)
        #expect(report.checkpoints > 6)
        #expect(report.checkpointsCompared == report.checkpoints)
    }

    @Test("a log that was killed with events in its journal, and one that a daemon has open, are sound")
    func unfoldedAndLive() throws {
        let scratch = try Scratch { $0.foldMilliseconds = 600_000 }
        scratch.send((0..<20).map { Scratch.Post("m\($0)") })
        scratch.archive.flush()
        scratch.send((0..<20).map { Scratch.Post("n\($0)") })
        let live = try verifyLive(scratch.path)
        #expect((live.isLive, live.end, live.findings) == (true, Position(20), []))
        try scratch.crash { copy in
            let report = try verify(copy)
            #expect((report.journaled, report.end, report.findings) == (20, Position(40), []))
        }
    }

    /// In a process of its own, a live folder is read as LMDB's readers do; in ours LMDB would refuse to open a file twice. So a copy of
    /// the lock stands for the daemon's.
    private func verifyLive(_ path: String) throws -> AuditReport {
        let home = try TemporaryFolder()
        let copy = home.file("copy")
        try FileManager.default.copyItem(atPath: path, toPath: copy)
        let daemon = try FileLock(copy + "/LOCK", folder: copy)
        defer { _ = consume daemon }
        return try AuditVerify(of: copy, AuditVerify.Options()).run { _ in }
    }

    @Test("one byte flipped in any table of any partition is found")
    func flippedByte() throws {
        var random = SeededRandom(for: "verify, flipped byte")
        let folder = try Folder(&random)
        for table in ["trail", "bodies", "meta"] + PartitionIndex.tableNames {
            for name in try folder.partitions {
                try copy(of: folder) { copy in
                    guard let what = try flip(copy + "/partitions/" + name, table, &random) else { return }
                    let report = try verify(copy)
                    #expect(report.verdict != .sound, "\(name), \(table): \(what)")
                    // Nobody is suspected for what can be made anew.
                    if PartitionIndex.tableNames.contains(table) { #expect(report.verdict == .damaged, "\(name), \(table): \(what)") }
                    #expect(report.findings.allSatisfy { $0.place.hasPrefix(copy) })
                }
            }
        }
    }

    /// Flips a bit of a random row's key or value; nil where the table is empty.
    private func flip(_ path: String, _ table: String, _ random: inout SeededRandom) throws -> String? {
        var what: String?
        try change(path) { environment, transaction in
            guard let row = try rows(environment, table, transaction.reader).randomElement(using: &random) else { return }
            let isKey = row.value.isEmpty || Bool.random(using: &random) && table != "meta"
            var bytes = isKey ? row.key : row.value
            let place = bytes.indices.randomElement(using: &random) ?? 0
            bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            let home = environment.table(named: table)
            if isKey { _ = try transaction.delete(row.key.span.bytes, in: home) }
            try transaction.put((isKey ? row.value : bytes).span.bytes, for: (isKey ? bytes : row.key).span.bytes, in: home)
            what = "\(isKey ? "key" : "value") \(row.key.hexText) at byte \(place)"
        }
        return what
    }

    @Test("a record that was replaced is found, also where the tree was hashed again up to its root")
    func replaced() throws {
        var random = SeededRandom(for: "verify, replaced")
        let folder = try Folder(&random)
        for isRehashed in [false, true] {
            try copy(of: folder) { copy in
                let position = try replaceSomeRecord(copy)
                if isRehashed { try rehash(copy) }
                let report = try verify(copy)
                #expect(report.verdict == .tampered)
                let finding = try #require(report.findings.first { $0.kind == .tampered })
                #expect(try #require(finding.first) <= position && #require(finding.last) >= position)
            }
        }
    }

    /// Another content type in a message: the record can be read, and every index is as it was.
    private func replaceSomeRecord(_ folder: String) throws -> Position {
        let name = try #require(try FileManager.default.contentsOfDirectory(atPath: folder + "/partitions").sorted().first)
        var position = Position.none
        try change(folder + "/partitions/" + name) { environment, transaction in
            let trail = environment.table(named: "trail")
            for row in try rows(environment, "trail", transaction.reader) {
                let event = try Event(decoding: row.value)
                let html = Array("text/html".utf8).withUnsafeBytes { ContentType(checking: $0) }
                guard case .send(let send) = event.deed, let html else { continue }
                let other = Send(
                    conversation: send.conversation, sender: send.sender, messageID: send.messageID,
                    contentType: html, bodyBytes: send.bodyBytes, commitment: send.commitment,
                    clientTime: send.clientTime)
                let forged = Event(
                    position: event.position, at: event.at, imported: event.imported, principal: event.principal, tenant: event.tenant,
                    deed: .send(other))
                try transaction.put(forged.encoded().span.bytes, for: row.key.span.bytes, in: trail)
                position = event.position
                return
            }
        }
        return position
    }

    private func rehash(_ folder: String) throws {
        try FileManager.default.removeItem(atPath: folder + "/state.mdb")
        try Rebuild(of: ArchiveOptions(path: folder)).run { _ in }
    }

    @Test("two records that were exchanged are found, whether they say their old positions or each other's")
    func exchangedRecords() throws {
        var random = SeededRandom(for: "verify, exchanged")
        let folder = try Folder(&random)
        for isRenumbered in [false, true] {
            try copy(of: folder) { copy in
                let name = try #require(try folder.partitions.first)
                try change(copy + "/partitions/" + name) { environment, transaction in
                    let trail = environment.table(named: "trail")
                    let two = try rows(environment, "trail", transaction.reader).prefix(2)
                    for (key, value) in [(two[0].key, two[1].value), (two[1].key, two[0].value)] {
                        // The position is at byte 4 of a record.
                        let record = isRenumbered ? value[..<4] + key + value[12...] : value[...]
                        try transaction.put(Array(record).span.bytes, for: key.span.bytes, in: trail)
                    }
                }
                #expect(try verify(copy).verdict == .tampered)
            }
        }
    }

    @Test("a log whose end was cut off is found by a checkpoint that was kept elsewhere")
    func cutOff() throws {
        var random = SeededRandom(for: "verify, cut off")
        let folder = try Folder(&random)
        try copy(of: folder) { copy in
            try folder.scratch.open()
            folder.scratch.send(Scratch.Post("later"))
            _ = try folder.scratch.archive.checkpoint().get()
            try folder.scratch.close()
            #expect(try verify(copy).verdict == .sound)
            let report = try verify(copy, outside: folder.outside)
            #expect(report.verdict == .tampered)
            #expect(report.findings.first?.sentence.contains("its end was cut off") == true)
        }
    }

    @Test("a partition's file that is removed, or exchanged with an older copy, is found")
    func files() throws {
        var random = SeededRandom(for: "verify, files")
        let folder = try Folder(&random)
        for name in try folder.partitions {
            try copy(of: folder) { copy in
                try FileManager.default.removeItem(atPath: copy + "/partitions/" + name)
                let report = try verify(copy)
                #expect(report.verdict != .sound, "\(name)")
                #expect(report.findings.contains { $0.sentence.contains("nowhere") })
            }
        }
        try copy(of: folder) { copy in
            try folder.scratch.open()
            folder.scratch.send(Scratch.Post("old").with { $0.at = Scratch.start })
            try folder.scratch.close()
            let name = "2026-11-23.mdb"
            let file = folder.path + "/partitions/" + name
            try FileManager.default.removeItem(atPath: file)
            try FileManager.default.copyItem(atPath: copy + "/partitions/" + name, toPath: file)
            #expect(try verify(folder.path).verdict != .sound)
            // So that it opens again.
            try FileManager.default.removeItem(atPath: folder.path)
            try FileManager.default.copyItem(atPath: copy, toPath: folder.path)
        }
    }

    @Test("a receipt that is removed is found, and so is a body that is gone without one, or there in spite of one")
    func receipts() throws {
        var random = SeededRandom(for: "verify, receipts")
        let folder = try Folder(&random)
        try copy(of: folder) { copy in
            for name in try folder.partitions {
                try change(copy + "/partitions/" + name) { environment, transaction in
                    for row in try rows(environment, "trail", transaction.reader) {
                        guard try Event(decoding: row.value).kind == .purge else { continue }
                        _ = try transaction.delete(row.key.span.bytes, in: environment.table(named: "trail"))
                    }
                }
            }
            let report = try verify(copy)
            #expect(report.verdict == .tampered)
            #expect(report.findings.contains { $0.sentence.contains("no receipt says") })
        }
        try copy(of: folder) { copy in
            let name = try #require(try folder.partitions.last)
            try change(copy + "/partitions/" + name) { environment, transaction in
                try transaction.clear(environment.table(named: "bodies"))
            }
            let report = try verify(copy)
            #expect(report.findings.contains { $0.kind == .tampered && $0.sentence.contains("no receipt says") })
        }
    }

    @Test("a checkpoint that the log did not sign, or that was changed, is found; and one of a key that is not the trusted one")
    func forged() throws {
        var random = SeededRandom(for: "verify, forged")
        let folder = try Folder(&random)
        let file = CheckpointFile(path: folder.path + "/audit/checkpoints")
        let notes = try file.notes()
        let last = try Checkpoint(parsing: try #require(notes.last).text)
        let forger = try NoteSigner(name: try #require(NoteKeyName(last.origin)), seed: Array(repeating: 9, count: 32))
        let forgery = Checkpoint(origin: last.origin, head: TreeHead(size: last.head.size, root: .empty))
        let signature = try #require(notes.last).bytes.dropFirst(last.text.count)
        let changed = try SignedNote(parsing: forgery.text + signature)
        for note in [forgery.signed(by: forger), changed] {
            try copy(of: folder) { copy in
                try CheckpointFile(path: copy + "/audit/checkpoints").append(note, of: last.origin)
                let report = try verify(copy)
                #expect(report.verdict == .tampered)
                #expect(report.findings.first?.place.hasSuffix("checkpoints") == true)
            }
        }
        let own = try String(contentsOfFile: folder.path + "/audit/keys", encoding: .utf8).split(separator: "\n").map(String.init)
        #expect(try verify(folder.path, keys: own).verdict == .sound)
        #expect(try verify(folder.path, keys: [forger.verifier.text]).verdict == .tampered)
    }
}

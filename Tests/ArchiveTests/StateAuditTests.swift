import Events
import FoundationEssentials
import LMDB
import Ledger
import Projections
import TestSupport
import Testing

@testable import Archive

@Suite("Verifying the state's tables")
struct StateAuditTests {
    /// Several conversations over two days, a rule, a hold, hidden messages and a cleared history.
    private func scratch() throws -> Scratch {
        let scratch = try Scratch()
        for number in 0..<6 {
            scratch.send(
                Scratch.Post("m\(number)").with {
                    $0.conversation = "c\(number % 2)"
                    $0.at = Scratch.start.advanced(byMilliseconds: -Int64(number % 2) * Instant.millisecondsPerDay)
                })
        }
        _ = try scratch.delete(["m0", "m2"], viewer: "bob", conversation: "c0")
        _ = try scratch.clear(upTo: Position(4), viewer: "bob", conversation: "c1")
        _ = try scratch.keep(.conversation(TenantID("acme"), ConversationID("c1")), "forever")
        let held = Coverage(tenant: try TenantID("acme"), sender: try UserID("ann"))
        scratch.rule(.place(HoldPlace(id: try HoldID("h"), coverage: held, matter: "7", reason: "court")))
        scratch.archive.flush()
        return scratch
    }

    private func verify(_ scratch: Scratch) throws -> AuditReport { try AuditVerify(of: scratch.path, AuditVerify.Options()).run { _ in } }

    private func change(_ scratch: Scratch, _ table: String, _ body: (Table, inout WriteTransaction) throws -> Void) throws {
        let state = try StateFile(opening: scratch.path + "/state.mdb", others: [], options: .init(.write, mapBytes: 1 << 30))
        let home = state.environment.table(named: table)
        try state.environment.write { transaction in try body(home, &transaction) }
    }

    @Test(
        "a row that was taken out of a table is found, and so is one that was changed; a rebuild makes the table anew",
        arguments: ["hides", "clears", "conversations", "presence", "policies", "holds", "meta"])
    func row(table: String) throws {
        for isRemoved in [true, false] {
            let scratch = try scratch()
            try scratch.close()
            #expect(try verify(scratch).findings == [])
            try change(scratch, table) { home, transaction in
                var row: (key: [UInt8], value: [UInt8]) = ([], [])
                do {
                    var cursor = try transaction.reader.cursor(in: home)
                    #expect(try cursor.first())
                    row = (cursor.key.copied, cursor.value.copied)
                }
                if isRemoved || row.value.isEmpty {
                    _ = try transaction.delete(row.key.span.bytes, in: home)
                } else {
                    row.value[row.value.count - 1] ^= 1
                    try transaction.put(row.value.span.bytes, for: row.key.span.bytes, in: home)
                }
            }
            let report = try verify(scratch)
            #expect(report.verdict == .damaged)
            let rules = ["policies", "holds"]
            #expect(report.findings.contains { $0.sentence.contains("table \(table) ") } || rules.contains(table) || table == "meta")
            try scratch.rebuild()
            #expect(try verify(scratch).findings == [])
            try scratch.open()
        }
    }

    /// Opens the state with tables of the ledger's.
    private func changeOthers(_ scratch: Scratch, _ table: String, _ body: (Table, inout WriteTransaction) throws -> Void) throws {
        let environment = try environment(scratch.path + "/state.mdb", with: table)
        let home = environment.table(named: table)
        try environment.write { transaction in try body(home, &transaction) }
    }

    /// A file with a table more. It is opened with all that are there: one that is not asked for could be the missing one, under a damaged name.
    private func environment(_ path: String, with table: String) throws -> Environment {
        let tables: Set<String>
        do {
            let environment = try Environment(opening: path, tables: [], options: .init(.write, mapBytes: 1 << 30))
            let snapshot = try environment.snapshot()
            tables = Set(try snapshot.tableNames())
        }
        return try Environment(opening: path, tables: Array(tables.union([table])), options: .init(.create, mapBytes: 1 << 30))
    }

    @Test("a key that the state does not know of is found")
    func keys() throws {
        let scratch = try scratch()
        try scratch.close()
        try changeOthers(scratch, "keys") { home, transaction in try transaction.clear(home) }
        let found = try verify(scratch).findings
        #expect(found.count == 2 && found.allSatisfy { $0.sentence.contains("table keys lacks") })
        try scratch.rebuild()
        #expect(try verify(scratch).findings == [])
        try scratch.open()
    }

    @Test("extents of which all are gone, or the last, are found", arguments: [true, false])
    func extents(areAll: Bool) throws {
        let scratch = try scratch()
        try scratch.close()
        try changeOthers(scratch, "extents") { home, transaction in
            if areAll { return try transaction.clear(home) }
            var last: [UInt8] = []
            var cursor = try transaction.reader.cursor(in: home)
            while try cursor.next() { last = cursor.key.copied }
            try transaction.remove(last, in: home)
        }
        #expect(try verify(scratch).findings.contains { $0.sentence.contains("table of extents does not say") })
        try scratch.rebuild()
        #expect(try verify(scratch).findings == [])
        try scratch.open()
    }

    @Test(
        "a row of the tree that nobody hashed is found, and no trap when the daemon starts",
        arguments: [(8, .max), (8, 1_000_000_000), (8, 86), (16, 0), (7, 0)] as [(UInt64, UInt64)])
    func tree(level: UInt64, index: UInt64) throws {
        let scratch = try scratch()
        try scratch.close()
        try changeOthers(scratch, "tree") { home, transaction in
            let key = [level, index].flatMap { number in withUnsafeBytes(of: number.bigEndian) { Array($0) } }
            try transaction.write([UInt8](repeating: 7, count: 32), at: key, in: home)
        }
        #expect(try verify(scratch).findings.contains { $0.sentence.contains("table of the audit tree has other rows") })
        do {
            try scratch.open()
            try scratch.close()
        } catch { #expect("\(error)".contains("annalsd rebuild")) }
        try scratch.rebuild()
        #expect(try verify(scratch).findings == [])
        try scratch.open()
    }

    @Test("a table that no archive has is found, in the state and in a partition, and so are rows beside a summary and filters of nothing")
    func strangers() throws {
        let scratch = try scratch()
        try scratch.close()
        try changeOthers(scratch, "notes") { home, transaction in try transaction.write([1], at: [1], in: home) }
        try changeOthers(scratch, "filters") { home, transaction in
            try transaction.write([UInt8](repeating: 1, count: 8), at: [0, 0, 0, 0, 0, 0, 0, 9], in: home)
        }
        let file = try #require(AuditCopies.partitions(of: scratch.path).first)
        do {
            let environment = try environment(file, with: "notes")
            try environment.write { transaction in
                try transaction.write([1], at: [1], in: environment.table(named: "notes"))
                try transaction.write([1], at: [1], in: environment.table(named: "meta"))
            }
        }
        let sentences = try verify(scratch).findings.map(\.sentence)
        for part in [
            "table notes is none of an archive's; 'annalsd", "table notes is none of an archive's, and", "rows that are no summary",
            "filters has rows",
        ] {
            #expect(sentences.contains { $0.contains(part) }, "\(part)")
        }
        try scratch.open()
    }

    @Test("a message that somebody hides from a viewer with a row of his own is found")
    func forged() throws {
        let scratch = try scratch()
        try scratch.close()
        try hide(Position(4), id: "m3", scratch)
        let report = try verify(scratch)
        #expect(report.findings.map(\.sentence) == ["its table hides is not that of the records; 'annalsd rebuild' makes it anew"])
        try scratch.rebuild()
        try scratch.open()
    }

    private func hide(_ message: Position, id: String, _ scratch: Scratch) throws {
        let state = try StateFile(opening: scratch.path + "/state.mdb", others: [], options: .init(.write, mapBytes: 1 << 30))
        let deletion = LocalDelete(
            conversation: try ConversationID("c1"), viewer: try UserID("bob"),
            extent: .messages([.init(position: message, messageID: try MessageID(id))]))
        try state.environment.write { transaction in
            try state.deletes.apply(
                deletion, tenant: try TenantID("acme"), cause: .init(position: Position(7), at: Scratch.start), &transaction)
        }
    }

    @Test("events that partitions have and the state has not learned yet are no damage")
    func behind() throws {
        let scratch = try scratch()
        let copy = scratch.path + "-state"
        try scratch.close()
        try FileManager.default.copyItem(atPath: scratch.path + "/state.mdb", toPath: copy)
        try scratch.open()
        scratch.send(Scratch.Post("later").with { $0.conversation = "c0" })
        _ = try scratch.delete(["m4"], viewer: "bob", conversation: "c0")
        scratch.archive.flush()
        try scratch.close()
        try FileManager.default.removeItem(atPath: scratch.path + "/state.mdb")
        try FileManager.default.moveItem(atPath: copy, toPath: scratch.path + "/state.mdb")
        let report = try verify(scratch)
        #expect(report.findings == [])
        #expect(report.stateUncompared == nil)
        try scratch.open()
    }

    @Test("the state is that of the records when a partition was removed, was imported into once more, and was removed again")
    func removed() throws {
        let scratch = try Scratch.forgetful()
        scratch.send([Scratch.Post("a"), Scratch.Post("b")])
        _ = try scratch.delete(["a"], viewer: "bob")
        _ = try scratch.clear(upTo: Position(2), viewer: "ben")
        scratch.live(days: 187)
        try expectCompared(scratch)
        scratch.send([Scratch.Post("late").with { $0.at = Scratch.start }, Scratch.Post("now")])
        try expectCompared(scratch)
        scratch.live(days: 2)
        try expectCompared(scratch)
        try scratch.close()
        try change(scratch, "removed") { home, transaction in try transaction.clear(home) }
        #expect(try verify(scratch).findings.contains { $0.sentence.contains("table removed ") })
        try scratch.rebuild()
        try scratch.open()
    }

    private func expectCompared(_ scratch: Scratch) throws {
        try scratch.close()
        let report = try verify(scratch)
        #expect(report.findings == [])
        #expect(report.stateUncompared == nil)
        try scratch.open()
        scratch.lendAppender()
    }

    @Test("the report says up to where somebody signed, with which key, and how much is behind that")
    func signed() throws {
        let scratch = try scratch()
        try scratch.close()
        let unsigned = try verify(scratch)
        #expect(unsigned.signed == nil)
        #expect(unsigned.unsigned == unsigned.end.rawValue)
        try scratch.open()
        let size = try scratch.archive.checkpoint().get().size
        scratch.send([Scratch.Post("x"), Scratch.Post("y")])
        try scratch.close()
        let report = try verify(scratch)
        #expect(report.signed?.through == Position(size))
        #expect(report.signed?.by.hasPrefix("annals/") == true)
        #expect(report.unsigned == 2)
        #expect(report.findings == [])
        try scratch.open()
    }

    private func firstValue(in home: Table, _ transaction: borrowing WriteTransaction) throws -> [UInt8] {
        var cursor = try transaction.reader.cursor(in: home)
        #expect(try cursor.first())
        return cursor.value.copied
    }

    enum Stranger: CaseIterable { case ofNoPartition, tooLong }

    @Test("rows of keys that nobody made are found, and a rebuild mends it", arguments: Stranger.allCases)
    func strangeKeys(stranger: Stranger) throws {
        let scratch = try scratch()
        try scratch.close()
        try change(scratch, "keys") { home, transaction in
            var value = try firstValue(in: home, transaction)
            if stranger == .ofNoPartition { value[7] &+= 100 }
            let key: [UInt8] = [0, 0, 0, 0, 0, 1, 0, 0] + (stranger == .tooLong ? [0] : [])
            try transaction.put(value.span.bytes, for: key.span.bytes, in: home)
        }
        let found = try verify(scratch).findings
        #expect(!found.isEmpty && found.allSatisfy { $0.place.hasSuffix("state.mdb") && $0.sentence.contains("table keys") })
        try scratch.rebuild()
        #expect(try verify(scratch).findings == [])
        try scratch.open()
    }

    @Test("a row of a key that never was is found where the keyring can be opened")
    func inventedKey() throws {
        let scratch = try scratch()
        try scratch.close()
        #expect(try AuditCopies.verify(scratch.path, isThorough: true).findings == [])
        try change(scratch, "keys") { home, transaction in
            let value = try firstValue(in: home, transaction)
            try transaction.write(value, at: [0, 0, 0, 0, 0, 1, 0, 0], in: home)
        }
        #expect(try verify(scratch).findings == [])
        let found = try AuditCopies.verify(scratch.path, isThorough: true).findings
        #expect(found.map(\.kind) == [.damaged] && found.first?.sentence.contains("table keys has rows") == true, "\(found)")
        try scratch.rebuild()
        #expect(try AuditCopies.verify(scratch.path, isThorough: true).findings == [])
        try scratch.open()
    }

    @Test("no checkpoints beside keys are a finding, once more happened than between two of them can; one long silence is none")
    func checkpointsGone() throws {
        let scratch = try scratch()
        #expect(scratch.archive.auditKeys.count == 1)
        scratch.clock.advance(days: 3650)
        scratch.send(Scratch.Post("stepped"))
        try scratch.close()
        #expect(!FileManager.default.fileExists(atPath: scratch.path + "/audit/checkpoints"))
        #expect(try verify(scratch).findings == [])
        try scratch.open()
        for day in 0..<3 {
            scratch.clock.advance(days: 1)
            scratch.send(Scratch.Post("day-\(day)"))
        }
        _ = try scratch.archive.checkpoint().get()
        try scratch.close()
        #expect(try verify(scratch).findings == [])
        try FileManager.default.removeItem(atPath: scratch.path + "/audit/checkpoints")
        let report = try verify(scratch)
        #expect(report.verdict == .damaged)
        #expect(report.findings.first?.sentence.contains("no checkpoints, though there are keys") == true)
        try scratch.open()
    }
}

import Events
import FoundationEssentials
import LMDB
import Testing

@testable import Archive

@Suite("Verifying bodies without keys")
struct AuditBodiesTests {
    /// Two partitions of which nothing was purged, one with long bodies among them.
    private func folder() throws -> Scratch {
        let scratch = try Scratch()
        for days in [1, 0] {
            let at = Scratch.start.advanced(byMilliseconds: -Int64(days) * Instant.millisecondsPerDay)
            scratch.send(
                (0..<30).map { number in
                    Scratch.Post("m\(days)-\(number)").with {
                        $0.tenant = number.isMultiple(of: 2) ? "acme" : "bolt"
                        $0.body = String(repeating: "x", count: number == 7 ? 20_000 : number)
                        $0.at = at
                    }
                })
        }
        _ = try scratch.delete(["m0-1"], viewer: "bob")
        try scratch.close()
        return scratch
    }

    private typealias Deed = (Table, [(key: [UInt8], value: [UInt8])], inout WriteTransaction) throws -> Void

    private func findings(after deed: Deed) throws -> [AuditFinding] {
        let scratch = try folder()
        defer { reopen(scratch) }
        #expect(try AuditCopies.verify(scratch.path).findings == [])
        return try AuditCopies.copy(of: scratch.path) { copy in
            try AuditCopies.change(try #require(AuditCopies.partitions(of: copy).first), deed)
            return try AuditCopies.verify(copy).findings
        }
    }

    /// So that it is closed as it expects.
    private func reopen(_ scratch: Scratch) {
        do { try scratch.open() } catch { Issue.record(error) }
    }

    @Test("where nobody touched them they are counted, and none is opened")
    func sound() throws {
        let scratch = try folder()
        defer { reopen(scratch) }
        let report = try AuditCopies.verify(scratch.path)
        #expect((report.verdict, report.bodies, report.messages, report.opened) == (.sound, 60, 60, 0))
        #expect(try AuditCopies.verifyLive(scratch.path).bodies == 60)
    }

    @Test("a body that is gone is found, also where a body of no message keeps their number")
    func gone() throws {
        for isReplaced in [false, true] {
            let findings = try findings { bodies, rows, transaction in
                try transaction.remove(rows[3].key, in: bodies)
                let far: [UInt8] = [0, 0, 1, 0, 0, 0, 0, 0]
                if isReplaced { try transaction.write(rows[3].value, at: far, in: bodies) }
            }
            #expect(findings.contains { $0.kind == .tampered && $0.first == Position(4) && $0.sentence.contains("no receipt says") })
            #expect(findings.count == (isReplaced ? 2 : 1))
        }
    }

    @Test("bodies of zeros are found, in one finding where they follow each other")
    func zeros() throws {
        let findings = try findings { bodies, rows, transaction in
            for row in rows {
                let zeros = [UInt8](repeating: 0, count: row.value.count)
                try transaction.write(zeros, at: row.key, in: bodies)
            }
        }
        #expect(findings.map(\.sentence) == ["the body's bytes make no sense"])
        #expect((findings.first?.first, findings.first?.last) == (Position(1), Position(30)))
    }

    @Test("a body under a key that is none of the partition's is found")
    func foreignKey() throws {
        let findings = try findings { bodies, rows, transaction in
            var value = rows[7].value
            value.replaceSubrange(0..<8, with: [0, 0, 0, 0, 0, 0, 0, 99])
            try transaction.write(value, at: rows[7].key, in: bodies)
        }
        #expect(findings.map(\.kind) == [.tampered])
        #expect(findings.first?.first == Position(8))
        #expect(findings.first?.sentence.contains("key 99") == true)
    }

    @Test("a body that is shorter or longer than its record says is found", arguments: [-1, 1])
    func length(difference: Int) throws {
        let findings = try findings { bodies, rows, transaction in
            let value = difference < 0 ? Array(rows[29].value.dropLast()) : rows[29].value + [0]
            try transaction.write(value, at: rows[29].key, in: bodies)
        }
        #expect(findings.map(\.kind) == [.tampered])
        #expect(findings.first?.sentence.contains("not as long") == true)
    }
}

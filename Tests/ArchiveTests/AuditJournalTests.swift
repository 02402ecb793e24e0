import Events
import FoundationEssentials
import Projections
import TestSupport
import Testing

@testable import Archive

@Suite("Verifying what a crash left")
struct AuditJournalTests {
    private let files = FileManager.default

    /// Three hundred messages, of which none is folded.
    private func unfolded() throws -> Scratch {
        let scratch = try Scratch { $0.foldMilliseconds = 600_000 }
        for batch in 0..<3 { scratch.send((0..<100).map { Scratch.Post("m\(batch)-\($0)") }) }
        return scratch
    }

    @Test("a journal in which a node of the audit tree is complete is sound, and its bodies are counted and opened")
    func journaled() throws {
        let scratch = try unfolded()
        try AuditCopies.copy(of: scratch.path) { copy in
            let report = try AuditCopies.verify(copy)
            #expect((report.findings, report.notes) == ([], []))
            #expect((report.journaled, report.messages, report.bodies) == (300, 300, 300))
            let thorough = try AuditCopies.verify(copy, isThorough: true)
            #expect((thorough.findings, thorough.bodies, thorough.opened) == ([], 300, 300))
        }
    }

    @Test("a body in the journal that is not the one of its record is found")
    func journaledBody() throws {
        let scratch = try unfolded()
        try AuditCopies.copy(of: scratch.path) { copy in
            var report = AuditReport()
            let files = try LogFiles(of: copy)
            let survey = FolderSurvey(of: files, &report)
            var tail = survey.tail
            #expect(tail.count == 300)
            tail[5].body = []
            tail[6].body[7] = 0
            tail[7].body.removeLast()
            let law = PartitionAudit.Law(
                rules: RuleBook(), isWhole: true, keys: [:], keysOf: [:], end: survey.end, state: nil, vault: nil, isThorough: false)
            let found = TailAudit(tail, of: files, under: law).report
            #expect(found.bodies == 297)
            #expect(Set(found.findings.map(\.first)) == [Position(6), Position(7), Position(8)])
        }
    }

    @Test("partitions that are ahead of the state are sound")
    func betweenTransactions() throws {
        let scratch = try unfolded()
        try AuditCopies.copy(of: scratch.path) { before in
            scratch.archive.flush()
            try AuditCopies.copy(of: scratch.path) { copy in
                try files.removeItem(atPath: copy + "/state.mdb")
                try files.copyItem(atPath: before + "/state.mdb", toPath: copy + "/state.mdb")
                let report = try AuditCopies.verify(copy)
                #expect((report.findings, report.journaled, report.bodies) == ([], 0, 300))
                #expect(try AuditCopies.verify(copy, isThorough: true).findings == [])
            }
        }
    }

    @Test("an event in the journal that is another one than its partition has is found")
    func givenOutTwice() throws {
        let scratch = try Scratch { $0.foldMilliseconds = 600_000 }
        scratch.send(Scratch.Post("a"))
        scratch.archive.flush()
        try AuditCopies.copy(of: scratch.path) { before in
            scratch.send(Scratch.Post("b"))
            try AuditCopies.copy(of: scratch.path) { copy in
                try scratch.close()
                try files.removeItem(atPath: scratch.path)
                try files.copyItem(atPath: before, toPath: scratch.path)
                try scratch.open()
                scratch.send(Scratch.Post("c"))
                scratch.archive.flush()
                let name = "/partitions/2026-11-23.mdb"
                try files.removeItem(atPath: copy + name)
                try files.copyItem(atPath: scratch.path + name, toPath: copy + name)
                let report = try AuditCopies.verify(copy)
                #expect(report.verdict == .damaged)
                let finding = try #require(report.findings.first { $0.sentence.contains("given out twice") })
                #expect((finding.first, finding.last, finding.place) == (Position(2), Position(2), copy + "/journal"))
            }
        }
    }

    @Test("a segment of the journal that was cut short is found by its name")
    func cutShort() throws {
        let scratch = try unfolded()
        scratch.archive.flush()
        for bytes in [200_000, 8192, 100] {
            try AuditCopies.copy(of: scratch.path) { copy in
                let name = try #require(try files.contentsOfDirectory(atPath: copy + "/journal").sorted().last)
                let path = copy + "/journal/" + name
                let content = try Data(contentsOf: URL(filePath: path))
                try content.prefix(bytes).write(to: URL(filePath: path))
                let report = try AuditCopies.verify(copy)
                #expect(report.verdict == .damaged)
                #expect(report.findings.contains { $0.place.hasSuffix(name) || $0.sentence.contains(name) })
            }
        }
    }

    @Test("a journal that is missing is noted, and a copy of the partitions alone is sound")
    func missing() throws {
        let scratch = try unfolded()
        scratch.archive.flush()
        try AuditCopies.copy(of: scratch.path) { copy in
            try files.removeItem(atPath: copy + "/journal")
            let report = try AuditCopies.verify(copy)
            #expect((report.verdict, report.notes.count) == (.sound, 1))
            #expect(report.notes.first?.contains("there is no journal") == true)
        }
    }

    @Test("what is the same of events that follow each other is one finding")
    func joined() {
        var report = AuditReport()
        for number in 1...2000 where number != 1500 {
            for sentence in ["moved", "late"] {
                report.note(.damaged, Position(UInt64(number))...Position(UInt64(number)), in: "a", sentence)
            }
        }
        report.note(.tampered, Position(2001)...Position(2001), in: "a", "late")
        report.note(.damaged, Position(2001)...Position(2001), in: "b", "late")
        #expect(report.findings.count == 6)
        #expect(report.furtherFindings == 0)
        #expect(report.findings.map(\.first) == [1, 1, 1501, 1501, 2001, 2001].map { Position($0) })
        #expect(report.findings.map(\.last) == [1499, 1499, 2000, 2000, 2001, 2001].map { Position($0) })
    }
}

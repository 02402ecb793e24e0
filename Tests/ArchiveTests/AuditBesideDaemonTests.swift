import Events
import FoundationEssentials
import TestSupport
import Testing

@testable import Archive

@Suite("Verifying beside a daemon that goes on")
struct AuditBesideDaemonTests {
    private let files = FileManager.default

    /// What a daemon does to its folder while somebody looks at it.
    private func turn(_ folder: String, into later: String) throws {
        for name in ["partitions", "state.mdb", "audit"] {
            try files.removeItem(atPath: "\(folder)/\(name)")
            try files.copyItem(atPath: "\(later)/\(name)", toPath: "\(folder)/\(name)")
        }
    }

    /// Lends a folder as it lies now, as if a daemon had it open, and as it lies behind a deed.
    private func lend(_ scratch: Scratch, before deed: () throws -> Void, _ body: (_ folder: String, _ later: String) throws -> Void) throws
    {
        scratch.archive.flush()
        _ = try scratch.archive.checkpoint().get()
        try AuditCopies.copy(of: scratch.path) { folder in
            try deed()
            scratch.archive.flush()
            _ = try scratch.archive.checkpoint().get()
            try AuditCopies.copy(of: scratch.path) { later in
                let daemon = try FileLock(folder + "/LOCK", folder: folder)
                defer { _ = consume daemon }
                try body(folder, later)
            }
        }
    }

    @Test("a day that comes between two looks is no finding, and is looked at")
    func newDay() throws {
        let scratch = try Scratch { $0.foldMilliseconds = 600_000 }
        scratch.send(Scratch.Post("a"))
        let imported = Scratch.Post("b").with { $0.at = Scratch.start.advanced(byMilliseconds: -5 * Instant.millisecondsPerDay) }
        try lend(scratch, before: { scratch.send(imported) }) { folder, later in
            let audit = try AuditVerify(of: folder, AuditVerify.Options())
            try turn(folder, into: later)
            let report = try audit.run { _ in }
            #expect(report.findings == [])
            #expect((report.end, report.partitions) == (Position(2), 2))
        }
    }

    @Test("a day that comes when the files are listed already is left out")
    func lateDay() throws {
        let scratch = try Scratch { $0.foldMilliseconds = 600_000 }
        scratch.send(Scratch.Post("a"))
        let imported = Scratch.Post("b").with { $0.at = Scratch.start.advanced(byMilliseconds: -5 * Instant.millisecondsPerDay) }
        try lend(scratch, before: { scratch.send(imported) }) { folder, later in
            let listed = try LogFiles(surveying: folder)
            try turn(folder, into: later)
            var report = AuditReport()
            let survey = FolderSurvey(of: listed, &report)
            #expect(report.findings == [])
            #expect(survey.end == Position(1))
            #expect(survey.map.gaps(through: survey.end) == [])
        }
    }

    @Test("a partition that leaves the log when it is listed already is looked for in its tombstone")
    func left() throws {
        let scratch = try Scratch.forgetful { $0.foldMilliseconds = 600_000 }
        scratch.send([Scratch.Post("a"), Scratch.Post("b")])
        scratch.live(days: 3)
        scratch.send(Scratch.Post("c"))
        try lend(scratch, before: { scratch.live(days: 187) }) { folder, later in
            #expect(scratch.removals > 0 && !scratch.hasFirstPartition)
            var report = AuditReport()
            var looks = 0
            let survey = try FolderSurvey.taken(&report) { () throws(ArchiveFailure) in
                let listed = try LogFiles(surveying: folder)
                if looks == 0 { do { try turn(folder, into: later) } catch { Issue.record(error) } }
                looks += 1
                return listed
            }
            #expect(looks == 2)
            #expect(report.findings == [])
            #expect(survey.map.gaps(through: survey.end) == [])
        }
    }
}

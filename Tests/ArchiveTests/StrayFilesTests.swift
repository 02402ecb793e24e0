import FoundationEssentials
import Glibc
import Testing

@testable import Archive

@Suite("Files that are none of an archive's")
struct StrayFilesTests {
    private func archive() throws -> Scratch {
        let scratch = try Scratch()
        scratch.send([Scratch.Post("a"), Scratch.Post("b")])
        scratch.archive.flush()
        _ = try scratch.archive.checkpoint().get()
        try scratch.close()
        return scratch
    }

    @Test("an archive has none, and each that there is has a note and is no finding")
    func notes() throws {
        let scratch = try archive()
        #expect(try AuditCopies.verify(scratch.path).notes == [])
        let strays = [
            "a backup.mdb", "state.mdb.bak", "partitions/2011-02-03.mdb-lock", "partitions/2011-02-03.mdb.compact",
            "journal/0000000000000001.aj.bak", "vault/keyring.old", "audit/signing.key.new",
        ]
        try AuditCopies.copy(of: scratch.path) { copy in
            for name in strays {
                #expect(FileManager.default.createFile(atPath: "\(copy)/\(name)", contents: Data("x".utf8)))
            }
            let report = try AuditCopies.verify(copy)
            #expect(report.findings == [])
            for name in strays {
                #expect(report.notes.contains { $0.hasPrefix("\(copy)/\(name) is none of an archive's files") }, "\(name)")
            }
            #expect(report.notes.count == strays.count)
        }
    }

    @Test("many are counted, and not named one by one")
    func many() throws {
        let scratch = try archive()
        try AuditCopies.copy(of: scratch.path) { copy in
            for number in 0..<30 { #expect(FileManager.default.createFile(atPath: "\(copy)/audit/stray-\(number)", contents: Data())) }
            let notes = try AuditCopies.verify(copy).notes
            #expect(notes.count == 21)
            #expect(notes.last == "and so are 10 others")
        }
    }

    @Test("beside a daemon, which makes files and removes them, nothing is told")
    func live() throws {
        let scratch = try archive()
        try AuditCopies.copy(of: scratch.path) { copy in
            #expect(FileManager.default.createFile(atPath: copy + "/stray", contents: Data()))
            let notes = try AuditCopies.verifyAsLive(copy).notes
            #expect(!notes.contains { $0.contains("none of an archive's") })
        }
    }

    @Test("a pipe in the place of a file is no reason to wait for somebody who writes into it", arguments: ["LOCK", "journal"])
    func pipes(name: String) throws {
        let scratch = try archive()
        try AuditCopies.copy(of: scratch.path) { copy in
            var path = copy + "/LOCK"
            if name == "journal" {
                let segments = try FileManager.default.contentsOfDirectory(atPath: copy + "/journal").sorted()
                path = copy + "/journal/" + (try #require(segments.last))
            }
            try FileManager.default.removeItem(atPath: path)
            #expect(mkfifo(path, 0o600) == 0)
            do {
                let report = try AuditCopies.verify(copy)
                #expect(report.verdict == (name == "journal" ? .damaged : .sound))
            } catch { #expect("\(error)".contains(path)) }
        }
    }
}

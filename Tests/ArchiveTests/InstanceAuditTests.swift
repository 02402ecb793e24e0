import Foundation
import TestSupport
import Testing

@testable import Archive

@Suite("Verifying whose an archive is")
struct InstanceAuditTests {
    private func rename(_ path: String) throws {
        let file = URL(filePath: path + "/annals.json")
        let text = String(decoding: try Data(contentsOf: file), as: UTF8.self)
        let instance = try DataFolder.identity(of: path).instance
        let other = text.replacing("\"instance\" : \"\(instance)\"", with: "\"instance\" : \"\(UUID().uuidString.lowercased())\"")
        #expect(other != text)
        try Data(other.utf8).write(to: file)
    }

    @Test("another instance than the keyring's is found, without any key")
    func keyring() throws {
        let scratch = try Scratch()
        scratch.send(Scratch.Post("a"))
        scratch.archive.flush()
        try AuditCopies.copy(of: scratch.path) { copy in
            #expect(try AuditCopies.verifyAsLive(copy).findings == [])
            try rename(copy)
            let report = try AuditCopies.verifyAsLive(copy)
            #expect(report.findings.map(\.kind) == [.damaged])
            #expect(report.findings.first?.sentence.contains("the keyring is that of") == true)
        }
    }

    @Test("in a copy without a keyring, another instance than the origin was made from has a note")
    func origin() throws {
        let scratch = try Scratch()
        scratch.send(Scratch.Post("a"))
        try scratch.close()
        try AuditCopies.copy(of: scratch.path) { copy in
            try FileManager.default.removeItem(atPath: copy + "/vault")
            #expect(try AuditCopies.verify(copy).notes == [])
            try rename(copy)
            let report = try AuditCopies.verify(copy)
            #expect(report.findings == [])
            #expect(report.notes.map { $0.contains("an origin that was made from") } == [true])
        }
        try scratch.open()
    }
}

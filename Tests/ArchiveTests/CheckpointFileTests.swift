import FoundationEssentials
import Merkle
import TestSupport
import Testing

@testable import Archive

@Suite("The file of checkpoints")
struct CheckpointFileTests {
    private let folder: TemporaryFolder
    private let signer: NoteSigner
    private var file: CheckpointFile { CheckpointFile(path: folder.file("checkpoints")) }

    init() throws {
        folder = try TemporaryFolder()
        signer = try NoteSigner(name: try #require(NoteKeyName("log")), seed: Array(repeating: 7, count: 32))
    }

    private func note(_ size: UInt64, by signer: NoteSigner? = nil) -> SignedNote {
        let signer = signer ?? self.signer
        return Checkpoint(origin: signer.name.line, head: TreeHead(size: TreeSize(size), root: .empty)).signed(by: signer)
    }

    private func write(_ bytes: [UInt8]) throws { try Data(bytes).write(to: URL(filePath: file.path)) }
    private func bytes() throws -> [UInt8] { Array(try Data(contentsOf: URL(filePath: file.path))) }

    @Test("whatever a crash leaves of a checkpoint gives way to the next one, at every byte")
    func torn() throws {
        let whole = note(1).bytes + [10]
        for count in 0..<note(2).bytes.count {
            try write(whole + note(2).bytes.prefix(count))
            try file.append(note(2), of: signer.name.line)
            #expect(try bytes() == whole + note(2).bytes + [10], "\(count)")
        }
    }

    @Test("one of a size is found among others, whatever else lies there")
    func bySize() throws {
        let sizes: [UInt64] = [1, 11, 2, 111, 20]
        let nonsense = Array("log\n7\nno root\n\n— no signature\n\n".utf8)
        try write(sizes.flatMap { note($0).bytes + [10] + nonsense } + note(3).bytes.dropLast(3))
        for size in sizes { #expect(try file.note(of: TreeSize(size), by: signer.name.line) == note(size)) }
        for size in [0, 3, 12, 200] as [UInt64] { #expect(try file.note(of: TreeSize(size), by: signer.name.line) == nil) }
        #expect(throws: ArchiveFailure.self) { try file.note(of: TreeSize(7), by: signer.name.line) }
        try write([])
        #expect(try file.note(of: TreeSize(1), by: signer.name.line) == nil)
    }

    @Test("a single note is kept, and closed before the next one")
    func single() throws {
        try write(note(1).bytes)
        try file.append(note(2), of: signer.name.line)
        #expect(try file.notes() == [note(1), note(2)])
    }

    @Test(
        "not a byte of what is no checkpoint of this log is changed",
        arguments: ["precious\n", "precious", "one\n\ntwo\n\n", "log\nprecious", "log\n1\nprecious!", "logs of others\n", "\n\n", "\u{0}"])
    func precious(text: String) throws {
        for before in [[], note(1).bytes + [10]] {
            try write(before + text.utf8)
            #expect(throws: ArchiveFailure.self) { try file.check(for: signer.name.line) }
            #expect(throws: ArchiveFailure.self) { try file.append(note(2), of: signer.name.line) }
            #expect(try bytes() == before + text.utf8)
        }
    }

    @Test("nor of another log's")
    func foreign() throws {
        let other = try NoteSigner(name: try #require(NoteKeyName("other")), seed: Array(repeating: 7, count: 32))
        for count in [note(1, by: other).bytes.count, 3, 70] {
            let before = note(1, by: other).bytes.prefix(count) + [10]
            try write(Array(before))
            #expect(throws: ArchiveFailure.self) { try file.append(note(2), of: signer.name.line) }
            #expect(try bytes() == Array(before))
        }
    }

    @Test("a file elsewhere that holds something else is left alone; nothing is signed, and the reason names it")
    func outside() throws {
        try write(Array("my letters".utf8))
        let scratch = try Scratch { $0.audit.outsideFile = file.path }
        scratch.lendAppender()
        scratch.send(Scratch.Post("a"))
        scratch.archive.upkeep.tick()
        #expect(throws: Refusal.self) { try scratch.archive.checkpoint().get() }
        let reason = try #require(scratch.archive.upkeepStatus().checkpointError)
        #expect(reason.contains(file.path) && reason.contains("left as it is"))
        #expect(try bytes() == Array("my letters".utf8))
        #expect(try CheckpointFile(path: scratch.path + "/audit/checkpoints").notes() == [])
    }

    @Test("a file of the folder that holds something else keeps the one elsewhere from growing")
    func inside() throws {
        let scratch = try Scratch { $0.audit.outsideFile = file.path }
        scratch.send(Scratch.Post("a"))
        try Data("my letters".utf8).write(to: URL(filePath: scratch.path + "/audit/checkpoints"))
        #expect(throws: Refusal.self) { try scratch.archive.checkpoint().get() }
        #expect(try file.notes() == [])
        try FileManager.default.removeItem(atPath: scratch.path + "/audit/checkpoints")
    }

    @Test("that the file elsewhere has gone is said once, and then it is begun anew")
    func gone() throws {
        let scratch = try Scratch { $0.audit.outsideFile = file.path }
        scratch.send(Scratch.Post("a"))
        _ = try scratch.archive.checkpoint().get()
        try FileManager.default.removeItem(atPath: file.path)
        scratch.send(Scratch.Post("b"))
        #expect(throws: Refusal.self) { try scratch.archive.checkpoint().get() }
        #expect(scratch.archive.upkeepStatus().checkpointError?.contains("has gone") == true)
        let signed = try scratch.archive.checkpoint().get()
        #expect(try file.notes().map(\.bytes) == [signed.note])
        #expect(scratch.archive.upkeepStatus().checkpointError == nil)
    }
}

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
        folder = try .inMemory()
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
        // With all of it but the last newline it is one, and stays.
        for count in 0..<note(2).bytes.count - 1 {
            try write(whole + note(2).bytes.prefix(count))
            try file.append(note(2), of: signer.name.line)
            #expect(try bytes() == whole + note(2).bytes + [10], "\(count)")
        }
    }

    @Test("what a crash leaves of one that lies in several sectors gives way too, whichever of them were written", arguments: 1..<4)
    func sectors(written: Int) throws {
        var borders: Set<Int> = []
        for count in 1...120 as ClosedRange<UInt64> {
            let earlier = (0..<count).map { note($0 * 7) }
            let whole: [UInt8] = earlier.flatMap { (note: SignedNote) -> [UInt8] in note.bytes + [10] }
            var torn = note(2000).bytes + [10]
            let border = 512 - whole.count % 512
            guard border < torn.count - 3 else { continue }
            borders.insert(border)
            if written & 1 == 0 { for index in 0..<border { torn[index] = 0 } }
            if written & 2 == 0 { for index in border..<torn.count { torn[index] = 0 } }
            if written == 3 { torn.removeLast(3) }
            try write(whole + torn)
            let (notes, behind) = try file.all(of: signer.name.line)
            #expect(notes == earlier && behind == .torn)
            #expect(try file.newest() == notes.last)
            try file.append(note(2001), of: signer.name.line)
            #expect(try bytes() == whole + note(2001).bytes + [10], "\(border)")
        }
        #expect(borders.count > 20 && borders.contains { $0 < 40 } && borders.contains { $0 > 100 })
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

    /// As Annals writes it, as it is printed, and without its last newline.
    private func bytes(of note: SignedNote, shape: Int) -> [UInt8] { [note.bytes + [10], note.bytes, note.bytes.dropLast()][shape] }

    @Test("the last one counts whatever its end looks like, and the next one goes behind it", arguments: [0, 1, 2])
    func endings(shape: Int) throws {
        for before in [[], note(5).bytes + [10], note(5).bytes] {
            try write(before + bytes(of: note(7), shape: shape))
            let expected = (before.isEmpty ? [] : [note(5)]) + [note(7)]
            #expect(try file.notes() == expected)
            #expect(try file.newest() == note(7))
            #expect(try file.all(of: signer.name.line).notes == expected)
            try file.append(note(8), of: signer.name.line)
            #expect(try file.notes() == expected + [note(8)])
        }
    }

    @Test("the newest is the one of the largest size, wherever it stands")
    func unordered() throws {
        try write([3, 12, 10, 2].flatMap { note($0).bytes + [10] })
        #expect(try file.newest() == note(12))
        let head = TreeHead(size: TreeSize(12), root: TreeHash(rootOf: [.empty, .empty]))
        let other = Checkpoint(origin: signer.name.line, head: head).signed(by: signer)
        try write([note(12), note(3), other, note(2)].flatMap { $0.bytes + [10] })
        #expect(try file.largest() == [note(12), other])
        #expect(try file.newest() == other)
    }

    @Test("what is behind the first thing that is no checkpoint counts for nothing, and is told of")
    func remainder() throws {
        for damage in ["— ", "\n\n— "] {
            var text = String(decoding: note(2).bytes, as: UTF8.self)
            text.replace(damage, with: "x")
            try write(note(1).bytes + [10] + text.utf8 + [10] + note(3).bytes + [10])
            let (notes, behind) = try file.all(of: signer.name.line)
            #expect(notes == [note(1)] && behind == .other)
            #expect(throws: ArchiveFailure.self) { try file.append(note(4), of: signer.name.line) }
        }
        try write(note(1).bytes + [10] + note(2).bytes.dropLast(9))
        #expect(try file.all(of: signer.name.line).behind == .torn)
    }

    @Test("no second root is signed for a size, whatever the file elsewhere looks like", arguments: [0, 1, 2, 3])
    func twoRoots(shape: Int) throws {
        let scratch = try Scratch { $0.audit.outsideFile = file.path }
        scratch.send(Scratch.Post("a"))
        let first = try scratch.archive.checkpoint().get()
        let copy = scratch.path + "-copy"
        try scratch.close()
        try FileManager.default.copyItem(atPath: scratch.path, toPath: copy)
        try scratch.open()
        scratch.send(Scratch.Post("b"))
        let second = try scratch.archive.checkpoint().get()
        try scratch.close()
        try FileManager.default.removeItem(atPath: scratch.path)
        try FileManager.default.moveItem(atPath: copy, toPath: scratch.path)
        try write(
            shape < 3
                ? first.note + [10] + bytes(of: SignedNote(parsing: second.note), shape: shape) : second.note + [10] + first.note + [10])
        try scratch.open()
        scratch.send(Scratch.Post("c"))
        #expect(throws: Refusal.self) { try scratch.archive.checkpoint().get() }
        #expect(scratch.archive.upkeepStatus().checkpointError?.contains("another root") == true)
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

    @Test("a file elsewhere that lost its last checkpoints is said once, and then gone on with")
    func shortened() throws {
        let scratch = try Scratch { $0.audit.outsideFile = file.path }
        scratch.send(Scratch.Post("a"))
        let first = try scratch.archive.checkpoint().get()
        scratch.send(Scratch.Post("b"))
        _ = try scratch.archive.checkpoint().get()
        try write(first.note + [10])
        scratch.send(Scratch.Post("c"))
        #expect(throws: Refusal.self) { try scratch.archive.checkpoint().get() }
        #expect(scratch.archive.upkeepStatus().checkpointError?.contains("has lost its last checkpoints") == true)
        let third = try scratch.archive.checkpoint().get()
        #expect(try file.notes().map(\.bytes) == [first.note, third.note])
    }

    @Test(
        "that the folder's own file has gone, was emptied or cut is said once as well, and then it is gone on with", arguments: [nil, 0, 1])
    func ownFile(left: Int?) throws {
        let scratch = try Scratch()
        let own = CheckpointFile(path: scratch.path + "/audit/checkpoints")
        var signed: [[UInt8]] = []
        for number in 0..<2 {
            scratch.send(Scratch.Post("\(number)"))
            signed.append(try scratch.archive.checkpoint().get().note)
        }
        if let left {
            try Data(signed.prefix(left).flatMap { $0 + [10] }).write(to: URL(filePath: own.path))
        } else {
            try FileManager.default.removeItem(atPath: own.path)
        }
        scratch.send(Scratch.Post("c"))
        #expect(throws: Refusal.self) { try scratch.archive.checkpoint().get() }
        let reason = try #require(scratch.archive.upkeepStatus().checkpointError)
        #expect(reason.contains(left == nil ? "has gone" : "has lost its last checkpoints") && reason.contains(own.path))
        let third = try scratch.archive.checkpoint().get()
        #expect(try own.notes().map(\.bytes) == signed.prefix(left ?? 0) + [third.note])
        #expect(scratch.archive.upkeepStatus().checkpointError == nil)
    }

    /// A folder as it was before its log went on and signed so many more events, and the file elsewhere as it was behind that.
    private func forked(events: Int) throws -> (scratch: Scratch, outside: [UInt8]) {
        let scratch = try Scratch { $0.audit.outsideFile = file.path }
        scratch.send(Scratch.Post("a"))
        _ = try scratch.archive.checkpoint().get()
        try scratch.close()
        let copy = scratch.path + "-copy"
        try FileManager.default.copyItem(atPath: scratch.path, toPath: copy)
        try scratch.open()
        for number in 0..<events { scratch.send(Scratch.Post("b\(number)")) }
        _ = try scratch.archive.checkpoint().get()
        try scratch.close()
        try FileManager.default.removeItem(atPath: scratch.path)
        try FileManager.default.moveItem(atPath: copy, toPath: scratch.path)
        return (scratch, try bytes())
    }

    @Test(
        "what a copy of the folder signs in the file elsewhere is looked at before each signature, also in one that was away at the start",
        arguments: [1, 2], [true, false])
    func twoSigners(events: Int, isThere: Bool) throws {
        let (scratch, other) = try forked(events: events)
        if isThere {
            try write(CheckpointFile(path: scratch.path + "/audit/checkpoints").notes()[0].bytes + [10])
        } else {
            try FileManager.default.removeItem(atPath: file.path)
        }
        try scratch.open()
        try write(other)
        scratch.send(Scratch.Post("c"))
        for words in [events == 1 ? "another root" : "its end was cut off", "another root", "another root"] {
            #expect(throws: Refusal.self) { try scratch.archive.checkpoint().get() }
            let reason = try #require(scratch.archive.upkeepStatus().checkpointError)
            #expect(reason.contains(words) && reason.contains(file.path))
            scratch.send((0..<2).map { Scratch.Post("\(scratch.archive.end)-\($0)") })
        }
        #expect(try bytes() == other)
    }

    @Test(
        "of two roots that were signed for one size nothing is signed on, and a verification names them as such", arguments: [true, false])
    func pair(isFirst: Bool) throws {
        let (scratch, other) = try forked(events: 1)
        try FileManager.default.removeItem(atPath: file.path)
        try scratch.open()
        scratch.send(Scratch.Post("c"))
        let own = try scratch.archive.checkpoint().get()
        try scratch.close()
        try write(isFirst ? own.note + [10] + other : other + own.note + [10])
        var options = AuditVerify.Options()
        options.checkpointFiles = [file.path]
        let report = try AuditVerify(of: scratch.path, options).run { _ in }
        #expect(report.verdict == .tampered)
        #expect(report.findings.map { $0.sentence.contains("two roots were signed for the size 2") } == [true])
        try scratch.open()
        #expect(throws: Refusal.self) { try scratch.archive.checkpoint().get() }
        #expect(scratch.archive.upkeepStatus().checkpointError?.contains("another root") == true)
    }
}

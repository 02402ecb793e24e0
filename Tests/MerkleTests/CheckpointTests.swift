import Merkle
import TestSupport
import Testing

@Suite("Checkpoint")
struct CheckpointTests {
    @Test("the specification's example is read, and written the same")
    func specification() throws {
        let text = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
        let checkpoint = try Checkpoint(parsing: Array(text.utf8))
        #expect(checkpoint.origin.text == "example.com/behind-the-sofa")
        #expect(checkpoint.head.size == TreeSize(20_852_163))
        #expect(checkpoint.head.root.base64 == "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=")
        #expect(checkpoint.extensions.isEmpty)
        #expect(checkpoint.text == Array(text.utf8))
    }

    @Test("a checkpoint that is signed is opened with the log's key, under the log's origin")
    func opening() throws {
        let log = try KnownNotes.signer("example.com/log", seed: 1)
        let checkpoint = Checkpoint(origin: log.name.line, head: ReferenceLog.head(8))
        let note = checkpoint.signed(by: log)
        #expect(try Checkpoint(opening: SignedNote(parsing: note.bytes), of: log.name.line, with: log.verifier) == checkpoint)
    }

    @Test("a witness's signature beside the log's changes nothing, and alone it is not enough")
    func witnesses() throws {
        let log = try KnownNotes.signer("example.com/log", seed: 1)
        let witness = try KnownNotes.signer("witness.example", seed: 2)
        let checkpoint = Checkpoint(origin: log.name.line, head: ReferenceLog.head(8))
        var both = checkpoint.signed(by: log)
        both.sign(with: witness)
        #expect(try Checkpoint(opening: both, of: log.name.line, with: log.verifier) == checkpoint)
        #expect(throws: CheckpointFault.note(.unknownKeys)) {
            try Checkpoint(opening: checkpoint.signed(by: witness), of: log.name.line, with: log.verifier)
        }
    }

    @Test("a checkpoint of another log is refused, even one that the same key signed")
    func otherLog() throws {
        let log = try KnownNotes.signer("example.com/log", seed: 1)
        let other = try #require(NoteLine("example.com/other"))
        let note = Checkpoint(origin: other, head: ReferenceLog.head(8)).signed(by: log)
        #expect(throws: CheckpointFault.otherLog(other)) { try Checkpoint(opening: note, of: log.name.line, with: log.verifier) }
    }

    @Test("a signed note that is no checkpoint is refused")
    func otherNote() throws {
        let peter = try KnownNotes.peter()
        #expect(throws: CheckpointFault.malformed) {
            try Checkpoint(opening: SignedNote(KnownNotes.Go.note), of: peter.name.line, with: peter.verifier)
        }
    }

    @Test("extension lines are kept as they are")
    func extensions() throws {
        let text = "log\n0\n\(TreeHash.empty.base64)\nfirst\n 2 é\n"
        let checkpoint = try Checkpoint(parsing: Array(text.utf8))
        #expect(checkpoint.head == .empty)
        #expect(checkpoint.extensions.map(\.text) == ["first", " 2 é"])
        #expect(checkpoint.text == Array(text.utf8))
    }

    @Test("what has not the lines of a checkpoint is none")
    func malformed() {
        let root = TreeHash.empty.base64
        for text in [
            "", "\n", "log\n", "log\n1\n", "log\n1\n\(root)", "\n1\n\(root)\n", "log\n\n\(root)\n", "log\n1\n\n", "log\n01\n\(root)\n",
            "log\n00\n\(root)\n", "log\n+1\n\(root)\n", "log\n-1\n\(root)\n", "log\n 1\n\(root)\n", "log\n1 \n\(root)\n",
            "log\n1.0\n\(root)\n",
            "log\n0x1\n\(root)\n", "log\n18446744073709551616\n\(root)\n", "log\n\u{0661}\n\(root)\n", "log\n1\n\(root)\n\n",
            "log\n1\n\(root)\n\nx\n", "log\n1\n\(root)\nx", "log\n1\n\(root.dropLast())\n", "log\n1\nAAAA\n", "log\n1\n \(root)\n",
            "log\n1\n\(TreeHash.empty.hex)\n", "log\t\n1\n\(root)\n", "log\r\n1\r\n\(root)\r\n",
        ] {
            #expect(throws: CheckpointFault.malformed, "\(text)") { try Checkpoint(parsing: Array(text.utf8)) }
        }
        #expect(throws: CheckpointFault.malformed) { try Checkpoint(parsing: [0xFF] + Array("\n1\n\(root)\n".utf8)) }
    }

    @Test("every size comes back, to the end of 64 bits")
    func sizes() throws {
        let origin = try #require(NoteLine("log"))
        for leaves in [0, 1, 9, 10, 99, 100, UInt64(Int64.max) + 1, .max] {
            let checkpoint = Checkpoint(origin: origin, head: TreeHead(size: TreeSize(leaves), root: .empty))
            #expect(try Checkpoint(parsing: checkpoint.text) == checkpoint)
        }
    }

    @Test("what is wrong with a checkpoint is told in a sentence")
    func explanations() throws {
        let other = try #require(NoteLine("example.com/other"))
        #expect(CheckpointFault.malformed.explanation == "the checkpoint is not an origin, a size and a root, a line each")
        #expect(CheckpointFault.otherLog(other).explanation == "the checkpoint is of another log: example.com/other")
        #expect(CheckpointFault.note(.unknownKeys).explanation == NoteFault.unknownKeys.explanation)
    }
}

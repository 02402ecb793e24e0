import Merkle
import TestSupport
import Testing

@Suite("SignedNote")
struct SignedNoteTests {
    private let peter: VerifierKey
    private let enoch: VerifierKey

    init() throws {
        peter = try VerifierKey(parsing: KnownNotes.Go.peterKey)
        enoch = try VerifierKey(parsing: KnownNotes.Go.enochKey)
    }

    @Test("a note of two signatures is read, verified with either key or both, and written the same")
    func known() throws {
        let note = try SignedNote(KnownNotes.Go.note)
        #expect(note.text == Array(KnownNotes.Go.text.utf8))
        #expect(note.signatures.map(\.id) == [peter.id, enoch.id])
        #expect(note.bytes == Array(KnownNotes.Go.note.utf8))
        for keys in [[peter], [enoch], [peter, enoch], [enoch, peter]] { #expect(try note.verify(with: keys) == keys) }
    }

    @Test("the specification's example verifies")
    func specification() throws {
        let key = try VerifierKey(parsing: KnownNotes.Specification.key)
        #expect(try SignedNote(KnownNotes.Specification.note).verify(with: [peter, key]) == [key])
    }

    @Test("a note is signed as others sign it; a second signature comes behind the first, and replaces an earlier one of its key")
    func signing() throws {
        var note = try SignedNote(text: Array(KnownNotes.Go.text.utf8))
        note.sign(with: try KnownNotes.peter())
        #expect(note.bytes == Array((KnownNotes.Go.text + "\n" + KnownNotes.Go.peterLine).utf8))
        note.sign(with: try KnownNotes.signer("Third", seed: 3))
        #expect(note.signatures.map(\.name.text) == ["PeterNeumann", "Third"])
        note.sign(with: try KnownNotes.peter())
        #expect(note.signatures.map(\.name.text) == ["Third", "PeterNeumann"])
        #expect(try SignedNote(parsing: note.bytes) == note)
    }

    @Test("signatures of unknown keys are ignored, but a note without a known one is refused")
    func unknown() throws {
        let note = try SignedNote(KnownNotes.Go.note)
        let stranger = try KnownNotes.signer("Stranger", seed: 9).verifier
        let namesake = try KnownNotes.signer("PeterNeumann", seed: 9).verifier
        #expect(try note.verify(with: [stranger, enoch, namesake]) == [enoch])
        for keys in [[], [stranger], [namesake], [stranger, namesake]] as [[VerifierKey]] {
            #expect(throws: NoteFault.unknownKeys) { try note.verify(with: keys) }
        }
    }

    @Test("a signature of another kind and length is ignored too")
    func otherKinds() throws {
        let witness = "— witness.example " + Base64Text.zeros(4_000) + "\n"
        let note = try SignedNote(KnownNotes.Go.text + "\n" + witness + KnownNotes.Go.peterLine)
        #expect(try note.verify(with: [peter]) == [peter])
        #expect(note.bytes == Array((KnownNotes.Go.text + "\n" + witness + KnownNotes.Go.peterLine).utf8))
    }

    @Test("a wrong signature of a known key makes the note worthless, also beside right ones")
    func wrong() throws {
        let other = try KnownNotes.peter().signature(of: Array("something else\n".utf8))
        let line = "— PeterNeumann " + Base64Text.of(other) + "\n"
        for lines in [line, line + KnownNotes.Go.enochLine, KnownNotes.Go.peterLine + line, line + KnownNotes.Go.peterLine] {
            let note = try SignedNote(KnownNotes.Go.text + "\n" + lines)
            #expect(throws: NoteFault.wrongSignature(peter.name, peter.id)) { try note.verify(with: [enoch, peter]) }
        }
    }

    @Test("a right signature that is there twice is one")
    func twice() throws {
        let note = try SignedNote(KnownNotes.Go.text + "\n" + KnownNotes.Go.peterLine + KnownNotes.Go.peterLine)
        #expect(try note.verify(with: [peter]) == [peter])
    }

    @Test("every byte of text and signature matters")
    func everyByte() throws {
        let bytes = Array((KnownNotes.Go.text + "\n" + KnownNotes.Go.peterLine).utf8)
        for index in bytes.indices {
            for bit in 0..<8 {
                var changed = bytes
                changed[index] ^= 1 << UInt8(bit)
                #expect(throws: NoteFault.self, "bit \(bit) of byte \(index)") { try SignedNote(parsing: changed).verify(with: [peter]) }
            }
        }
    }

    @Test("no part of a note is the note, and nothing can be added to it")
    func parts() {
        let bytes = Array((KnownNotes.Go.text + "\n" + KnownNotes.Go.peterLine).utf8)
        for end in 0..<bytes.count {
            #expect(throws: NoteFault.self) { try SignedNote(parsing: Array(bytes[..<end])).verify(with: [peter]) }
            #expect(throws: NoteFault.self) { try SignedNote(parsing: Array(bytes[(bytes.count - end)...])).verify(with: [peter]) }
        }
        for more in ["\n", "x\n", "— \n", "— PeterNeumann\n", "\n\n", "\n" + KnownNotes.Go.peterLine] {
            #expect(throws: NoteFault.self) { try SignedNote(parsing: bytes + Array(more.utf8)).verify(with: [peter]) }
        }
    }

    @Test(
        "a signature line that is none is refused, whoever reads it",
        arguments: [
            "PeterNeumann AAAAAAA=", "- PeterNeumann AAAAAAA=", "—PeterNeumann AAAAAAA=", "—  PeterNeumann AAAAAAA=", "— PeterNeumann",
            "— PeterNeumann ", "— PeterNeumann  AAAAAAA=", "— PeterNeumann AAAAAAA= ", "— PeterNeumann AAAA", "— PeterNeumann AAAAAA==",
            "— PeterNeumann AAAAAAB=", "— Peter+Neumann AAAAAAA=", "— Peter\u{A0}Neumann AAAAAAA=", "— Bad Name AAAAAAA=",
            "— PeterNeumann AAAAAAA", "— PeterNeumann A-AAAAA=", " — PeterNeumann AAAAAAA=",
        ])
    func malformedLines(_ line: String) {
        #expect(throws: NoteFault.malformed) { try SignedNote("text\n\n" + KnownNotes.Go.peterLine + line + "\n") }
        #expect(throws: NoteFault.malformed) { try SignedNote("text\n\n" + line + "\n" + KnownNotes.Go.peterLine) }
    }

    @Test("a note is UTF-8 without control characters, with a text, an empty line and signatures that end a line")
    func malformed() {
        let line = KnownNotes.Go.peterLine
        for note in ["", "\n", "text\n", "text\n\n", "text\n" + line, line, "\n" + line, "text\n\n" + line.dropLast(), "text\n\n\n"] {
            #expect(throws: NoteFault.malformed) { try SignedNote(note) }
        }
        for control in ["\u{0}", "\t", "\r", "\u{1F}"] {
            #expect(throws: NoteFault.controlCharacter) { try SignedNote("te\(control)xt\n\n" + line) }
            #expect(throws: NoteFault.controlCharacter) { try SignedNote(text: Array("te\(control)xt\n".utf8)) }
        }
        #expect(throws: NoteFault.notUTF8) { try SignedNote(parsing: [0xFF] + Array(("text\n\n" + line).utf8)) }
        #expect(throws: NoteFault.notUTF8) { try SignedNote(text: [0xC3, 0x0A]) }
        for text in ["", "text", "text\nmore"] { #expect(throws: NoteFault.malformed) { try SignedNote(text: Array(text.utf8)) } }
    }

    @Test("the last empty line divides text and signatures, so a text may have empty lines, also at its ends")
    func emptyLines() throws {
        for text in ["\n", "\n\n", "a\n\nb\n", "\n\na\n\n\n", "— PeterNeumann AAAAAAA=\n", "a\n\n— PeterNeumann AAAAAAA=\n"] {
            var note = try SignedNote(text: Array(text.utf8))
            note.sign(with: try KnownNotes.peter())
            let read = try SignedNote(parsing: note.bytes)
            #expect(read.text == Array(text.utf8))
            #expect(try read.verify(with: [peter]) == [peter])
        }
    }

    @Test("a hundred signatures are read, one more is refused, and so is a note of more than a megabyte")
    func limits() throws {
        let text = KnownNotes.Go.text + "\n"
        let hundred = text + String(repeating: KnownNotes.Go.peterLine, count: SignedNote.signaturesMax)
        #expect(try SignedNote(hundred).signatures.count == 100)
        #expect(throws: NoteFault.tooLong) { try SignedNote(hundred + KnownNotes.Go.peterLine) }
        let long = String(repeating: "x", count: SignedNote.bytesMax)
        #expect(throws: NoteFault.tooLong) { try SignedNote(long + "\n\n" + KnownNotes.Go.peterLine) }
    }

    @Test("whatever note is read is written the same, byte for byte")
    func roundTrips() throws {
        var random = SeededRandom(for: "notes")
        let pieces = ["a", "é", "\n", "\n\n", "— ", "x y", KnownNotes.Go.peterLine, KnownNotes.Go.enochLine, "— n AAAAAAA=\n"]
        var read = 0
        for _ in 0..<5_000 {
            let bytes = (0..<Int.random(in: 1...8, using: &random)).flatMap { _ in
                Array(pieces[Int.random(in: 0..<pieces.count, using: &random)].utf8)
            }
            do {
                #expect(try SignedNote(parsing: bytes).bytes == bytes)
                read += 1
            } catch { #expect(error == .malformed) }
        }
        #expect(read > 100)
    }

    @Test("what is wrong with a note is told in a sentence")
    func explanations() {
        #expect(NoteFault.unknownKeys.explanation == "the note has no signature of a known key")
        #expect(
            NoteFault.wrongSignature(peter.name, peter.id).explanation == "the signature of PeterNeumann+c74f20a3 is not of this text")
    }
}

import Events
import TestSupport
import Testing

@Suite("Name")
struct NameTests {
    @Test("a name has 1 to 128 bytes")
    func lengths() throws {
        #expect(throws: NameFault.empty) { try Self.name("") }
        #expect(try Self.name("a").utf8 == [0x61])
        #expect(try Self.name(String(repeating: "a", count: 128)).utf8.count == 128)
        #expect(throws: NameFault.tooLong(bytes: 129)) { try Self.name(String(repeating: "a", count: 129)) }
    }

    @Test("it is bytes that count, not letters")
    func lengthsInBytes() throws {
        let letters = String(repeating: "字", count: 42)
        #expect(try ConversationID(letters + "ab").utf8.count == 128)
        #expect(throws: NameFault.tooLong(bytes: 129)) { try ConversationID(letters + "字") }
    }

    @Test(
        "bytes that are not UTF-8 are no name: cut short, too long a form, surrogates, beyond Unicode, stray",
        arguments: [
            [0xC3], [0x80], [0xFF], [0x61, 0xE5, 0x85], [0xC0, 0xAF], [0xE0, 0x80, 0xAF], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80],
            [0xF0, 0x9F, 0x98], [0xC3, 0x28], [0xFE, 0xFE], [0xC1, 0x81], [0xF8, 0x88, 0x80, 0x80, 0x80],
        ] as [[UInt8]])
    func invalidUTF8(_ bytes: [UInt8]) {
        #expect(throws: NameFault.notUTF8) { try MessageID(bytes) }
    }

    @Test("no control character is in a name: not C0, not DEL, not C1, wherever it stands")
    func controls() {
        for scalar in (0x00...0x1F).map({ Unicode.Scalar($0) }) + (0x7F...0x9F).map({ Unicode.Scalar($0) }) {
            guard let scalar else { continue }
            for text in ["\(scalar)", "a\(scalar)", "\(scalar)z", "é\(scalar)字"] {
                #expect(throws: NameFault.controlCharacter, "U+\(String(scalar.value, radix: 16))") { try UserID(text) }
            }
        }
    }

    @Test("what only looks like a control character by one of its bytes is allowed")
    func noControls() throws {
        // U+0080's second byte, 80, is also in U+20AC and U+0400; C2 itself begins U+00A0 and what follows.
        for text in [" ", "~", "\u{A0}", "¿", "€", "Ѐ", "\u{2028}", "🙂", "\u{10FFFF}", "a b", "é"] {
            #expect(try UserID(text).text == text)
        }
    }

    @Test("é of one scalar and é of two are different names")
    func spellings() throws {
        let composed = "\u{E9}"
        let decomposed = "e\u{301}"
        #expect(composed == decomposed)
        #expect(try UserID(composed) != UserID(decomposed))
        #expect(try Set([UserID(composed), UserID(decomposed)]).count == 2)
    }

    @Test("names are in the order of their bytes, the shorter first")
    func order() throws {
        let names = try ["b", "ab", "a", "é", "Z", "a b"].map { try UserID($0) }.sorted().map(\.text)
        #expect(names == ["Z", "a", "a b", "ab", "b", "é"])
    }

    @Test("a name is the same from text, from bytes and from lent bytes")
    func sources() throws {
        let bytes = Array("公司".utf8)
        let lent = try bytes.withUnsafeBytes { try TenantID(checking: $0) }
        #expect("公司" == lent)
        #expect(try TenantID(bytes) == lent)
        #expect("\(lent)" == "公司")
    }

    @Test("what is wrong with a name is the end of a sentence")
    func explanations() {
        #expect(NameFault.empty.explanation == "is empty; give 1 to 128 bytes of UTF-8")
        #expect(NameFault.tooLong(bytes: 129).explanation == "has 129 bytes; at most 128 are allowed")
        #expect(NameFault.notUTF8.explanation == "is not valid UTF-8")
        #expect(NameFault.controlCharacter.explanation == "holds a control character; leave them out")
    }

    /// Of text that is no literal: a literal is a name without asking.
    private static func name(_ text: String) throws(NameFault) -> UserID { try UserID(text) }

    @Test("whatever bytes become a name are UTF-8 without controls, and all such bytes do")
    func randomBytes() {
        var random = SeededRandom(for: "names of random bytes")
        for _ in 0..<20_000 {
            let bytes = (0..<Int.random(in: 0...6, using: &random)).map { _ in random.suspiciousByte() }
            let text = String(validating: bytes, as: UTF8.self)
            let isName = text.map { text in
                !text.isEmpty && text.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control }
            }
            #expect((bytes.withUnsafeBytes(NameFault.find) == nil) == (isName ?? false), "\(bytes)")
        }
    }
}

extension SeededRandom {
    /// Of those at which the rules of UTF-8 and of controls begin and end.
    fileprivate mutating func suspiciousByte() -> UInt8 {
        let bytes: [UInt8] = [0x00, 0x1F, 0x20, 0x61, 0x7E, 0x7F, 0x80, 0x9F, 0xA0, 0xBF, 0xC2, 0xC3, 0xE0, 0xED, 0xF0, 0xF4, 0xFF]
        return chance(of: 1, in: 10) ? UInt8(truncatingIfNeeded: next()) : bytes[Int.random(in: 0..<bytes.count, using: &self)]
    }
}

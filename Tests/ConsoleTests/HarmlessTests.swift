import Console
import TestSupport
import Testing

struct HarmlessTests {
    @Test("what a terminal would obey is shown instead")
    func controls() {
        #expect(Harmless.text("\u{1B}[31mred\u{1B}]0;title\u{7}") == "␛[31mred␛]0;title␇")
        #expect(Harmless.text("a\u{0}b\u{7F}c\u{9B}d") == "a␀b␡c<U+009B>d")
        #expect(Harmless.text("x\u{8}\u{8}y\u{B}z") == "x␈␈y␋z")
    }

    @Test("marks that turn the direction of writing are shown")
    func directions() {
        #expect(Harmless.text("user\u{202E}txt.exe") == "user<U+202E>txt.exe")
        #expect(Harmless.text("a\u{2066}b\u{2069}") == "a<U+2066>b<U+2069>")
    }

    @Test("line breaks stay, as one kind of them")
    func lineBreaks() {
        #expect(Harmless.text("a\r\nb\nc") == "a\nb\nc")
        #expect(Harmless.text("a\rb") == "a␍b")
        #expect(Harmless.text("a\u{2028}b") == "a<U+2028>b")
        #expect(Harmless.text("\tx") == "    x")
        #expect(Harmless.line("a\nb") == "a⏎b")
    }

    @Test("ordinary text of any script passes unchanged", arguments: ["你好 🌏", "नमस्ते", "שלום", "سلام\u{200C}", "👨‍👩‍👧", "Zoë", "e\u{301}"])
    func ordinaryText(text: String) {
        #expect(Harmless.text(text) == text)
        #expect(Harmless.text(Array(text.utf8)) == text)
    }

    @Test("bytes that are not UTF-8 are shown one by one, and the text around them stays")
    func wrongBytes() {
        #expect(Harmless.text([0x61, 0xFF, 0xFE, 0x62]) == "a<FF><FE>b")
        #expect(Harmless.text([0xE4, 0xBD]) == "<E4><BD>")
        #expect(Harmless.text([0xC2, 0x9B, 0xC0, 0x80]) == "<U+009B><C0><80>")
        #expect(Harmless.text([UInt8]()) == "")
    }

    @Test("no byte sequence gives a control character but the line break")
    func anyBytes() {
        var random = SeededRandom(for: "harmless text of any bytes")
        for _ in 0..<200 {
            let bytes = random.bytes(64)
            let text = Harmless.text(bytes)
            let control = text.unicodeScalars.first { $0.properties.generalCategory == .control && $0 != "\n" }
            #expect(control == nil, "from \(bytes)")
        }
    }
}

import Console
import Testing

struct DisplayWidthTests {
    @Test(
        "every sign takes the cells that a terminal gives it",
        arguments: [
            ("a", 1), ("é", 1), ("e\u{301}", 1), ("你", 2), ("。", 2), ("Ａ", 2), ("ｱ", 1), ("한", 2),
            ("\u{1112}\u{1161}\u{11AB}", 2),  // 한 in its parts
            ("😀", 2), ("👨‍👩‍👧‍👦", 2), ("🇹🇼", 2), ("🇩", 1), ("👍🏽", 2), ("❤", 1), ("❤\u{FE0F}", 2), ("❤️‍🔥", 2), ("1\u{FE0F}\u{20E3}", 2),
            ("🏳️‍🌈", 2), ("🏴\u{E0067}\u{E0062}\u{E0065}\u{E006E}\u{E0067}\u{E007F}", 2), ("☎", 1), ("✅", 2),
            ("क्ष", 2), ("ก็", 1), ("ש", 1), ("م", 1), ("\u{200B}", 0), ("\u{FEFF}", 0), ("…", 1), ("│", 1), ("🫠", 2), ("𠮷", 2),
        ])
    func width(text: String, cells: Int) {
        #expect(DisplayWidth.of(text) == cells, "\(text.unicodeScalars.map { String($0.value, radix: 16) })")
    }

    @Test("a text is as wide as its signs together")
    func wholeText() {
        #expect(DisplayWidth.of("") == 0)
        #expect(DisplayWidth.of("Hi, 世界 👋🏼!") == 12)
    }
}

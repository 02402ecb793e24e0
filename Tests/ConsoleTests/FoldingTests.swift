import Console
import Testing

struct FoldingTests {
    @Test("words stay whole where they can")
    func words() {
        #expect(Folding.lines("the quick brown fox", width: 10) == ["the quick", "brown fox"])
        #expect(Folding.lines("the quick brown fox", width: 9) == ["the quick", "brown fox"])
        #expect(Folding.lines("fits", width: 4) == ["fits"])
    }

    @Test("a word longer than the line is cut")
    func longWord() {
        #expect(Folding.lines("abcdefghij", width: 4) == ["abcd", "efgh", "ij"])
        #expect(Folding.lines("ab https://example.com/x", width: 10) == ["ab", "https://ex", "ample.com/", "x"])
    }

    @Test("wide signs count twice, and may be parted anywhere but before a full stop")
    func wideSigns() {
        #expect(Folding.lines("你好世界", width: 5) == ["你好", "世界"])
        #expect(Folding.lines("你好。世界", width: 5) == ["你", "好。", "世界"])
        #expect(Folding.lines("你", width: 1) == ["你"])
        #expect(Folding.lines("👨‍👩‍👧‍👦👨‍👩‍👧‍👦", width: 2) == ["👨‍👩‍👧‍👦", "👨‍👩‍👧‍👦"])
    }

    @Test("line breaks of the text are kept, empty lines too")
    func ownLines() {
        #expect(Folding.lines("a\n\nb", width: 10) == ["a", "", "b"])
        #expect(Folding.lines("", width: 10) == [""])
        #expect(Folding.lines("a\n", width: 10) == ["a", ""])
    }

    @Test("no line is wider than asked, and nothing but spaces is lost", arguments: 1...30)
    func anyWidth(width: Int) {
        let text = "Kaffee ☕️ und 世界, 你好。 supercalifragilistic 👍🏽👍🏽 एक दो"
        let lines = Folding.lines(text, width: width)
        #expect(lines.allSatisfy { DisplayWidth.of($0) <= max(width, 2) })
        #expect(lines.joined().filter { $0 != " " } == text.filter { $0 != " " })
    }

    @Test("what is cut ends in an ellipsis and fits")
    func cut() {
        #expect(Folding.cut("abcdef", width: 6) == "abcdef")
        #expect(Folding.cut("abcdef", width: 5) == "abcd…")
        #expect(Folding.cut("你好世界", width: 6) == "你好…")
        #expect(Folding.cut("你好世界", width: 5) == "你好…")
    }
}

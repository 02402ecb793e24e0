import Console
import Testing

struct TableTests {
    private let columns: [Table.Column] = [
        .init("n", isNumber: true), .init("who", widthMax: 6, tone: .name), .init("text", folds: true),
    ]

    @Test("a file gets one line a row, aligned, nothing cut")
    func file() {
        var table = Table(columns, on: .file)
        let text = table.render([["7", "阿美", "one\ntwo"], ["12", "a-very-long-name", "three"]])
        #expect(
            text == """
                 n  who               text
                 7  阿美              one⏎two
                12  a-very-long-name  three

                """)
    }

    @Test("a terminal gets long names cut and long texts folded under themselves")
    func terminal() {
        var table = Table(columns, on: Surface(width: 40, hasColours: false))
        let text = table.render([["7", "阿美", "one\ntwo"], ["12", "a-very-long-name", "the quick brown fox jumps over the dog"]])
        #expect(
            text == """
                 n  who     text
                 7  阿美    one
                            two
                12  a-ver…  the quick brown fox jumps
                            over the dog

                """)
    }

    @Test("a table printed in parts has one heading and keeps its columns")
    func parts() {
        var table = Table(columns, on: .file)
        _ = table.render([["100", "anna", "x"]])
        #expect(table.render([["1", "bo", "y"]]) == "  1  bo    y\n")
    }

    @Test("colours go around the text and not into the widths")
    func colours() {
        var table = Table([.init("a", tone: .name), .init("b")], on: Surface(width: 80, hasColours: true))
        let text = table.render([["x", .init("y", tone: .bad)], ["", "z"]])
        #expect(text == "\u{1B}[1ma\u{1B}[0m  \u{1B}[1mb\u{1B}[0m\n\u{1B}[36mx\u{1B}[0m  \u{1B}[31my\u{1B}[0m\n   z\n")
    }

    @Test("an empty table is its heading")
    func empty() {
        var table = Table(columns, on: .file)
        #expect(table.render([]) == "n  who  text\n")
    }
}

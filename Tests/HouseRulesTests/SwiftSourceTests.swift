import Testing

@Suite("SwiftSource")
struct SwiftSourceTests {
    @Test("comments are no code, to the end of their line or to their own end, nested ones too")
    func comments() {
        let source = SwiftSource("let a = 1 // one\n/* two /* three */ four */ let b = 2")
        #expect(source.visibleCode == "let a = 1\nlet b = 2")
        #expect(source.visibleComments == "// one\n/* two /* three */ four */")
    }

    @Test("what is in strings is no code")
    func strings() {
        #expect(SwiftSource(#"f("a // b", "c /* d")"#).visibleCode == #"f("", "")"#)
        #expect(SwiftSource(#"f("a \" b", c)"#).visibleCode == #"f("", c)"#)
        #expect(SwiftSource(#"f("\\", c)"#).visibleCode == #"f("", c)"#)
        #expect(SwiftSource("f(\"\", c)").visibleCode == "f(\"\", c)")
    }

    @Test("long strings end at three quotes, and may have one or two inside")
    func longStrings() {
        let source = SwiftSource("let a = \"\"\"\n  \"b\" \"\" // c\n  \"\"\"\nlet d = 1")
        #expect(source.visibleCode == "let a = \"\"\"\n\n\"\"\"\nlet d = 1")
    }

    @Test("strings between hashes end at a quote with as many, and their backslashes need as many")
    func rawStrings() {
        #expect(SwiftSource("f(#\"a \"b\" \\(c)\"#, d)").visibleCode == "f(#\"\"#, d)")
        #expect(SwiftSource("f(#\"a \\#(b) c\"#, d)").visibleCode == "f(#\"\\#(b)\"#, d)")
        #expect(SwiftSource("#if DEBUG\nf()\n#endif").visibleCode == "#if DEBUG\nf()\n#endif")
    }

    @Test("what is interpolated is code, with its own parentheses and strings")
    func interpolation() {
        let source = SwiftSource("f(\"a \\(g(b, \"c\") + (d)) e\", h)")
        #expect(source.visibleCode == "f(\"\\(g(b, \"\") + (d))\", h)")
    }

    @Test("a string that nobody closed ends with its line")
    func unclosed() {
        #expect(SwiftSource("let a = \"b\nlet c = 1").visibleCode == "let a = \"\nlet c = 1")
    }

    @Test("places keep their lines, whatever stands before them")
    func lines() {
        let source = SwiftSource("/* 1\n2 */\n\"\"\"\n4\n\"\"\"\nx")
        let x = source.code.firstIndex(of: UInt8(ascii: "x"))
        #expect(x.map(source.line) == 6)
        #expect(source.lineCount == 6)
        #expect(SwiftSource("a\nb\n").lineCount == 2)
        #expect(SwiftSource("").lineCount == 0)
    }
}

extension SwiftSource {
    /// A file of a test.
    init(_ text: String, path: String = "Sources/Events/Example.swift") { self.init(path: path, text: text) }

    /// The code without the spaces around what was taken out of it.
    fileprivate var visibleCode: String { Self.visible(code) }
    fileprivate var visibleComments: String { Self.visible(comments) }

    private static func visible(_ bytes: [UInt8]) -> String {
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
        return lines.map { line in
            var words = line.split(separator: " ").joined(separator: " ")
            for (gap, closed) in [("\" \"", "\"\""), ("\" \\", "\"\\"), (") \"", ")\"")] { words.replace(gap, with: closed) }
            return words
        }.joined(separator: "\n")
    }
}

import Console
import Testing

struct RejectsTests {
    @Test("a refused line is kept as it was, with its reason")
    func verbatim() throws {
        let file = try ScratchFile(Array("from before".utf8))
        var rejects = try Rejects(path: file.path)
        rejects.add(.init(number: 3, bytes: Array(#"{"type":"x"} "#.utf8)), reason: .unknownType)
        rejects.add(.init(number: 9, bytes: [0x61, 0xFF]), reason: .notJSON)
        rejects.add(.init(number: 10, bytes: [0x62]), reason: .init("conflict"), detail: "CONFLICT the id is taken")
        try rejects.flush()
        #expect(
            try file.text == """
                {"reason":"unknown type","line":3,"input":"{\\"type\\":\\"x\\"} "}
                {"reason":"not JSON","line":9,"input-base64":"Yf8="}
                {"reason":"conflict","line":10,"detail":"CONFLICT the id is taken","input":"b"}

                """)
    }

    @Test("a place that cannot be written is told before anything is imported")
    func unwritable() {
        let trouble = #expect(throws: Trouble.self) { _ = try Rejects(path: "/nowhere/rejects.jsonl") }
        #expect(trouble?.status == .input)
    }

    @Test("the imported file is known again under another name")
    func sameFile() throws {
        let file = try ScratchFile(Array("{}".utf8))
        let other = try ScratchFile()
        let source = try ByteSource(path: file.path)
        let answers = [source.isFile(at: "/tmp/../" + file.path), source.isFile(at: other.path), source.isFile(at: "/nowhere")]
        #expect(answers == [true, false, false])
    }
}

import AnnalsClient
import Console
import Testing

struct ImportLineTests {
    private func parse(_ text: String) -> ImportLine {
        ImportLine(.init(number: 1, bytes: Array(text.utf8)))
    }

    private func reason(_ text: String) -> String? {
        guard case .refused(let reason) = parse(text) else { return nil }
        return reason.description
    }

    @Test("a message becomes a SEND with its own time")
    func send() {
        let line =
            #"{"type":"send","tenant":"t","conversation":"c","sender":"s","message_id":"m","sent_at":1499852077157,"body":"並\n\u0000","more":[1]}"#
        let words: [Word] = ["SEND", "t", "c", "s", "m", "並\n\u{0}", "AT", 1_499_852_077_157, "REPORT"]
        #expect(parse(line) == .request(.send, words))
    }

    @Test("a deletion becomes a LOCALDELETE")
    func localDelete() {
        let line = #"{"type":"local-delete","tenant":"t","conversation":"c","viewer":"v","message_id":"m","at":5}"#
        #expect(parse(line) == .request(.localDelete, ["LOCALDELETE", "t", "c", "v", "ID", "m", "AT", 5, "REPORT"]))
    }

    @Test(
        "a change of a policy names its scope",
        arguments: [
            (#""scope":"system","#, ["SYSTEM"]),
            (#""tenant":null,"scope":"system","#, ["SYSTEM"]),
            (#""tenant":"t","#, ["TENANT", "t"]),
            (#""tenant":"t","conversation":"c","#, ["TENANT", "t", "CONVERSATION", "c"]),
        ] as [(String, [Word])])
    func retentionChange(scope: String, words: [Word]) {
        let line = #"{"type":"retention-change","# + scope + #""period":"6mo","at":7,"reason":"law"}"#
        #expect(parse(line) == .request(.retentionChange, ["RETENTION.SET"] + words + ["6mo", "REASON", "law", "AT", 7, "REPORT"]))
    }

    @Test(
        "a change may be a floor, and locked, if it says so plainly",
        arguments: [
            (#""floor":true,"#, ["FLOOR"]), (#""lock":true,"#, ["LOCK"]), (#""lock":true,"floor":true,"#, ["FLOOR", "LOCK"]),
            (#""floor":false,"lock":null,"#, []),
        ] as [(String, [Word])])
    func floorsAndLocks(fields: String, words: [Word]) {
        let line = #"{"type":"retention-change","tenant":"t","# + fields + #""period":"6mo","at":7,"reason":"law"}"#
        let expected: [Word] = ["RETENTION.SET", "TENANT", "t", "6mo"] + words + ["REASON", "law", "AT", 7, "REPORT"]
        #expect(parse(line) == .request(.retentionChange, expected))
    }

    @Test(
        "a line that asks for nothing is refused with what it lacks",
        arguments: [
            ("", "not JSON"), ("{", "not JSON"), ("[]", "not JSON"), ("17", "not JSON"), ("null", "not JSON"),
            (#"{"type":"send"}x"#, "not JSON"),
            ("{}", "no type"), (#"{"type":null}"#, "no type"), (#"{"type":"purge"}"#, "unknown type"), (#"{"type":3}"#, "bad type"),
            (#"{"type":"send","tenant":"t","conversation":"c","sender":null,"message_id":"m","sent_at":1,"body":""}"#, "no sender"),
            (#"{"type":"send","tenant":"t","conversation":"c","sender":"s","message_id":"m","sent_at":null,"body":""}"#, "no time"),
            (#"{"type":"send","tenant":"t","conversation":"c","sender":"s","message_id":"m","body":""}"#, "no time"),
            (#"{"type":"send","tenant":"t","conversation":"c","sender":"s","message_id":"m","sent_at":1.5,"body":""}"#, "bad time"),
            (#"{"type":"send","tenant":"t","conversation":"c","sender":"s","message_id":"m","sent_at":"1","body":""}"#, "bad time"),
            (#"{"type":"send","tenant":"t","conversation":"c","sender":"s","message_id":7,"sent_at":1,"body":""}"#, "bad message id"),
            (#"{"type":"send","tenant":"t","conversation":"c","sender":"s","message_id":"m","sent_at":1}"#, "no body"),
            (#"{"type":"send","tenant":"t","conversation":"c","sender":"s","message_id":"m","sent_at":1,"body":"\ud83d"}"#, "not JSON"),
            (#"{"type":"local-delete","tenant":"t","conversation":"c","message_id":"m","at":1}"#, "no viewer"),
            (#"{"type":"retention-change","conversation":"c","period":"1d","at":1,"reason":"r"}"#, "no tenant"),
            (#"{"type":"retention-change","tennant":"t","period":"1d","at":1,"reason":"r"}"#, "no tenant"),
            (#"{"type":"retention-change","scope":{"tenant":"t"},"period":"1d","at":1,"reason":"r"}"#, "bad scope"),
            (#"{"type":"retention-change","tenant":"t","at":1,"reason":"r"}"#, "no period"),
            (#"{"type":"retention-change","tenant":"t","floor":"yes","period":"1d","at":1,"reason":"r"}"#, "bad floor"),
            (#"{"type":"retention-change","tenant":"t","floor":1,"period":"1d","at":1,"reason":"r"}"#, "bad floor"),
            (#"{"type":"retention-change","tenant":"t","lock":"true","period":"1d","at":1,"reason":"r"}"#, "bad lock"),
            (#"{"type":"retention-change","tenant":"t","period":"1d","at":1}"#, "no reason"),
        ])
    func refused(line: String, why: String) {
        #expect(reason(line) == why)
    }

    @Test("bytes that are not UTF-8 are not JSON, whatever another encoding would make of them")
    func encodings() {
        let line = #"{"type":"send","tenant":"t"}"#
        let asUTF16 = line.utf16.flatMap { [UInt8(truncatingIfNeeded: $0), UInt8($0 >> 8)] }
        #expect(ImportLine(.init(number: 1, bytes: asUTF16)) == .refused(.notJSON))
        #expect(ImportLine(.init(number: 1, bytes: Array(#"{"type":""#.utf8) + [0xFF] + Array(#""}"#.utf8))) == .refused(.notJSON))
    }

    @Test("a line that was cut is refused as too long")
    func cut() {
        #expect(ImportLine(.init(number: 1, bytes: [], isCut: true)) == .refused(.tooLong))
    }
}

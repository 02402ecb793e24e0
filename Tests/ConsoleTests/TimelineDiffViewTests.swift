import AnnalsClient
import ArgumentParser
import Console
import RESP
import Testing

@Suite("What changed")
struct TimelineDiffViewTests {
    @Test("each change names the event that did it, and the rule that was left")
    func causes() throws {
        let policy = Decider(isFloor: false, position: 3)
        let floor = Decider(isFloor: true, position: 4)
        let none = Decider(isFloor: false, position: nil)
        let cases: [(TimelineChange.Deed, String, Int?, String)] = [
            (.appeared, "appeared", 7, "its send"),
            (.keptLonger(.change(4, to: floor)), "kept-longer", 4, "the floor #4"),
            (.keptLonger(.change(9, to: policy)), "kept-longer", 9, "#9, which left it to the policy #3"),
            (.keptLonger(.change(9, to: none)), "kept-longer", 9, "#9, which left it to the default policy"),
            (.expired(.time(under: floor)), "expired", 4, "time, under the floor #4"),
            (.expired(.time(under: none)), "expired", nil, "time, under the default policy"),
            (.expired(.change(3, to: policy)), "expired", 3, "the policy #3"),
            (.expired(.unknown), "expired", nil, "unknown, since its id came again, or a rule came in later that is older"),
            (.hidden(8), "hidden", 8, "the viewer's local delete #8"), (.hidden(nil), "hidden", nil, "a local delete"),
            (.purged(12), "purged", 12, "the purge, receipt #12"),
            (.purged(nil), "purged", nil, "a purge that this log does not know of"),
            (.gone, "gone", nil, "unknown, since its id came again"),
        ]
        let message = try AnnalsClient.Message(Sample.message())
        for (deed, word, cause, sentence) in cases {
            let change = TimelineChange(message, deed)
            #expect((change.word, change.cause) == (word, cause))
            #expect(
                change.json.text
                    == "{\"change\":\"\(word)\",\"position\":7,\"id\":\"m\",\"sender\":\"s\",\"at\":1517630706789,\"by\":\(cause.map(String.init) ?? "null")}"
            )
            #expect(TimelineDiffView(Sheet.file).text([change]).contains(sentence))
        }
    }

    @Test("of a whole conversation it is said who hid what, and names of others cannot paint the terminal")
    func viewers() throws {
        let message = try AnnalsClient.Message(Sample.message())
        let change = TimelineChange(message, .hidden(8), viewer: "b\u{1B}[2J")
        #expect(change.json.text.hasSuffix("\"by\":8,\"viewer\":\"b\\u001b[2J\"}"))
        let text = TimelineDiffView(Sheet.file).text([change])
        #expect(text.contains("b␛[2J's local delete #8"))
        #expect(TimelineDiffView(Sheet.terminal).text([]) == "nothing changed\n")
    }

    @Test("whose eyes must be said, and only once")
    func eyes() throws {
        let words = ["diff", "t", "c", "--from", "#1"]
        #expect(throws: (any Error).self) { try AnnalsCommand.parseAsRoot(words) }
        #expect(throws: (any Error).self) { try AnnalsCommand.parseAsRoot(words + ["--viewer", "v", "--reason", "why"]) }
        for eyes in [["--viewer", "v"], ["--reason", "why"]] { #expect(throws: Never.self) { try AnnalsCommand.parseAsRoot(words + eyes) } }
    }
}

import Events
import Testing

@Suite("Event")
struct EventTests {
    @Test("the server's time of an imported event is when it came in, of all others their own")
    func recorded() {
        #expect(GoldenRecord.sends[0].event.recorded == GoldenTime.november)
        let imported = GoldenRecord.sends[2].event
        #expect(imported.at == GoldenTime.february)
        #expect(imported.recorded == GoldenTime.november)
    }

    @Test("a kind has the word of the wire and the number of the disk, for ever")
    func kinds() {
        let kinds = EventKind.allCases.map { "\($0.rawValue) \($0.word)" }
        #expect(kinds == ["1 send", "2 local-delete", "3 retention-change"])
    }

    @Test("an event names a conversation, unless it concerns a tenant or all of them")
    func conversations() {
        #expect(GoldenRecord.sends[0].event.conversation == "general")
        #expect(GoldenRecord.localDeletes[0].event.conversation == "general")
        let ofChanges = GoldenRecord.retentionChanges.map(\.event.conversation)
        #expect(ofChanges == [nil, "general", nil, nil, nil, "general"])
    }

    @Test("a position is written with a hash, and the one behind it is the next")
    func positions() {
        #expect("\(Position(42))" == "#42")
        #expect(Position.none.next == .first)
        #expect(Position(9) < Position(10))
    }

    @Test("a principal is written as the trail's readers see it")
    func principals() {
        #expect("\(Principal.system)" == "system")
        #expect("\(Principal.user(1000))" == "uid:1000")
    }
}

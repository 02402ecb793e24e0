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
        #expect(
            kinds == [
                "1 send", "2 local-delete", "3 retention-change", "4 retention-cancel", "5 hold-place", "6 hold-release", "7 purge-intent",
                "8 purge", "9 clock-confirm", "10 partition-remove", "11 access",
            ])
    }

    @Test("all but a send, a local delete and a reading are rules")
    func rules() {
        #expect(EventKind.allCases.filter { !$0.isRule } == [.send, .localDelete, .access])
    }

    @Test("what the wire and the disk call targets, bases and outcomes stays so")
    func words() {
        #expect(RetentionTarget.allCases.map(\.word) == ["policy", "floor"])
        #expect([PurgeBasis.expired, .before(GoldenTime.november)].map(\.word) == ["expired", "before"])
        #expect(PurgeOutcome.allCases.map { "\($0.rawValue) \($0.word)" } == ["1 destroyed", "2 withdrawn"])
    }

    @Test("an event is a conversation's, unless it concerns a tenant or all of them, or only says who read")
    func conversations() {
        #expect(GoldenRecord.sends[0].event.conversation == "general")
        #expect(GoldenRecord.localDeletes[0].event.conversation == "general")
        let ofChanges = GoldenRecord.retentionChanges.map(\.event.conversation)
        #expect(ofChanges == [nil, "general", nil, nil, nil, "general", "general", nil, nil])
        #expect(GoldenRecord.retentionCancels.map(\.event.conversation) == [nil, nil, "general"])
        #expect(GoldenRecord.holds.map(\.event.conversation) == ["general", nil, nil, nil, "general", nil])
        #expect(GoldenRecord.purges.map(\.event.conversation) == [nil, "general", nil, nil])
        #expect(GoldenRecord.clockConfirms.map(\.event.conversation) == [nil])
        #expect(GoldenRecord.removals.map(\.event.conversation) == [nil])
        #expect(GoldenRecord.accesses.map(\.event.conversation) == [nil, nil, nil, nil])
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

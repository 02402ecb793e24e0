import Testing

@testable import Reception

@Suite("Intake gate")
struct IntakeGateTests {
    @Test("only the first of those who wait starts the timer")
    func oneTimer() {
        var gate = IntakeGate()
        let passages = [gate.turnBack(), gate.turnBack()]
        #expect(passages == [.stall(startTimer: 1), .stall(startTimer: nil)])
    }

    @Test("who waited too long is refused, until there is room again")
    func waitingEnds() {
        var gate = IntakeGate()
        _ = gate.turnBack()
        let expired = gate.expire(1)
        let refused = gate.turnBack()
        let opening = gate.open()
        let later = gate.turnBack()
        #expect(expired)
        #expect(refused == .busy)
        #expect(opening == .endsRefusing)
        #expect(later == .stall(startTimer: 2))
    }

    @Test("a timer that comes after the room changes nothing")
    func lateTimer() {
        var gate = IntakeGate()
        _ = gate.turnBack()
        let openings = [gate.open(), gate.open()]
        let expired = gate.expire(1)
        #expect(openings == [.endsWaiting, .wasOpen])
        #expect(!expired)
    }

    @Test("the timer of an earlier wait does not end a later one")
    func timersOfTheirOwn() {
        var gate = IntakeGate()
        _ = gate.turnBack()
        _ = gate.open()
        _ = gate.turnBack()
        let early = gate.expire(1)
        let waiting = gate.turnBack()
        let expired = gate.expire(2)
        #expect(!early)
        #expect(waiting == .stall(startTimer: nil))
        #expect(expired)
    }
}

import Testing

@testable import Reception

@Suite("Intake gate")
struct IntakeGateTests {
    @Test("only the first of those who wait starts the timer")
    func oneTimer() {
        var gate = IntakeGate()
        let passages = [gate.turnBack(), gate.turnBack()]
        #expect(passages == [.stall(startTimer: true), .stall(startTimer: false)])
    }

    @Test("who waited too long is refused, until there is room again")
    func waitingEnds() {
        var gate = IntakeGate()
        _ = gate.turnBack()
        let expired = gate.expire()
        let refused = gate.turnBack()
        let opening = gate.open()
        let later = gate.turnBack()
        #expect(expired)
        #expect(refused == .busy)
        #expect(opening == .endsRefusing)
        #expect(later == .stall(startTimer: true))
    }

    @Test("a timer that comes after the room changes nothing")
    func lateTimer() {
        var gate = IntakeGate()
        _ = gate.turnBack()
        let openings = [gate.open(), gate.open()]
        let expired = gate.expire()
        #expect(openings == [.endsWaiting, .wasOpen])
        #expect(!expired)
    }
}

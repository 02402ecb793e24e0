import Events
import Projections
import Testing

@Suite("Horizon")
struct HorizonTests {
    @Test("a horizon includes what is neither behind its position nor after its time")
    func includes() {
        let horizon = Horizon(position: Position(10), time: Instant(milliseconds: 500))
        #expect(horizon.includes(Position(10), at: Instant(milliseconds: 500)))
        #expect(horizon.includes(.first, at: .distantPast))
        #expect(!horizon.includes(Position(11), at: Instant(milliseconds: 500)))
        #expect(!horizon.includes(Position(10), at: Instant(milliseconds: 501)))
    }

    @Test("a scope lies in those around it, the narrowest first")
    func widening() {
        #expect(Scope.system.widening == [.system])
        #expect(Scope.tenant("acme").widening == [.tenant("acme"), .system])
        #expect(Scope.conversation("acme", "general").widening == [.conversation("acme", "general"), .tenant("acme"), .system])
    }
}

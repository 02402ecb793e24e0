import Events
import Testing

@Suite("Terms")
struct TermsTests {
    private let start = Instant(milliseconds: 0)

    private func end(_ policy: Period, _ floors: [Period] = []) -> Int64? {
        Terms(policy: policy, floors: floors).end(from: start).map { $0.milliseconds / Instant.millisecondsPerDay }
    }

    @Test("what is kept ends with the latest of policy and floors")
    func latest() {
        #expect(end(.days(30)) == 30)
        #expect(end(.days(30), [.days(10), .days(20)]) == 30)
        #expect(end(.days(30), [.days(10), .weeks(5), .days(20)]) == 35)
        #expect(end(.days(30), [.months(1)]) == 31)
    }

    @Test("one that is forever has no end, be it policy or floor")
    func forever() {
        #expect(end(.forever) == nil)
        #expect(end(.forever, [.days(1)]) == nil)
        #expect(end(.days(1), [.days(2), .forever]) == nil)
    }

    @Test("a floor protects up to its end, and not at it; without a floor nothing is floored")
    func floored() {
        let terms = Terms(policy: .forever, floors: [.days(1), .days(2)])
        let end = start.advanced(byMilliseconds: 2 * Instant.millisecondsPerDay)
        #expect(terms.isFloored(at: start, asOf: end.advanced(byMilliseconds: -1)))
        #expect(!terms.isFloored(at: start, asOf: end))
        #expect(Terms(policy: .days(1), floors: [.forever]).isFloored(at: start, asOf: .distantFuture))
        #expect(!Terms(policy: .forever).isFloored(at: start, asOf: start))
    }
}

import Events
import TestSupport
import Testing

@Suite("Stretch")
struct StretchTests {
    @Test("its days meet without a gap, and only the first and the last are cut")
    func days() throws {
        let stretch = try stretch("2026-01-30T23:00:00Z", "2026-02-01T00:00:00Z")
        let days = Array(stretch.days)
        #expect(
            days == [
                try self.stretch("2026-01-30T23:00:00Z", "2026-01-30T23:59:59.999Z"),
                try self.stretch("2026-01-31T00:00:00Z", "2026-01-31T23:59:59.999Z"),
                try self.stretch("2026-02-01T00:00:00Z", "2026-02-01T00:00:00Z"),
            ])
        let day = try self.stretch("2026-01-30T00:00:00Z", "2026-01-30T23:59:59.999Z")
        #expect(Array(day.days) == [day])
    }

    @Test("it is cut at a moment behind its first, up to its last")
    func cut() throws {
        let stretch = Stretch(from: Instant(milliseconds: 10), through: Instant(milliseconds: 12))
        #expect([9, 10, 11, 12, 13].map { stretch.isCut(at: Instant(milliseconds: $0)) } == [false, false, true, true, false])
        #expect([9, 10, 12, 13].map { stretch.contains(Instant(milliseconds: $0)) } == [false, true, true, false])
    }

    @Test("the first end of a stretch may be that of a later day, where a month presses days together")
    func earliestEnd() throws {
        let stretch = try stretch("2026-01-30T23:00:00Z", "2026-01-31T22:00:00Z")
        #expect(Terms(policy: .months(1)).earliestEnd(in: stretch) == Instant(text: "2026-02-28T00:00:00Z"))
        #expect(Terms(policy: .days(1)).earliestEnd(in: stretch) == Instant(text: "2026-01-31T23:00:00Z"))
        #expect(Terms(policy: .days(1), floors: [.months(1)]).earliestEnd(in: stretch) == Instant(text: "2026-02-28T00:00:00Z"))
        #expect(Terms(policy: .days(1), floors: [.forever]).earliestEnd(in: stretch) == nil)
    }

    @Test("nothing of a week ends before its earliest end")
    func week() {
        var random = SeededRandom(for: "earliest ends")
        for _ in 0..<500 {
            let first = Instant(milliseconds: .random(in: 0...4_000_000_000_000, using: &random))
            let last = first.advanced(byMilliseconds: .random(in: 0..<7 * Instant.millisecondsPerDay, using: &random))
            let terms = Terms(policy: .months(.random(in: 1...24, using: &random)), floors: [.days(.random(in: 1...700, using: &random))])
            let ends = (0..<50).compactMap { _ in
                terms.end(from: Instant(milliseconds: .random(in: first.milliseconds...last.milliseconds, using: &random)))
            }
            let earliest = terms.earliestEnd(in: Stretch(from: first, through: last))
            #expect(ends.allSatisfy { $0 >= earliest ?? .distantFuture }, "\(terms) \(first) \(last)")
            #expect(earliest ?? .distantFuture <= terms.end(from: first) ?? .distantFuture)
        }
    }

    private func stretch(_ first: String, _ last: String) throws -> Stretch {
        Stretch(from: try #require(Instant(text: first)), through: try #require(Instant(text: last)))
    }
}

import Events
import TestSupport
import Testing

@Suite("Period's length")
struct PeriodLengthTests {
    @Test("days and weeks are compared by their days, months and years by their months")
    func sameKind() {
        #expect(isNeverShorter("14d", "2w") && isNeverShorter("2w", "14d"))
        #expect(!isNeverShorter("13d", "2w") && isNeverShorter("2w", "13d"))
        #expect(isNeverShorter("24mo", "2y") && isNeverShorter("2y", "24mo"))
        #expect(!isNeverShorter("23mo", "2y") && isNeverShorter("2y", "23mo"))
    }

    @Test("forever is never shorter than anything, and nothing else than forever")
    func forever() {
        #expect(isNeverShorter("forever", "forever") && isNeverShorter("forever", "1000y"))
        #expect(!isNeverShorter("1000y", "forever") && !isNeverShorter("365250d", "forever"))
    }

    @Test("a month has 28 to 31 days, six have 181 to 184, a year 365 or 366: between these, neither is never shorter")
    func mixed() {
        for (months, fewest, most) in [("1mo", 28, 31), ("2mo", 59, 62), ("6mo", 181, 184), ("1y", 365, 366), ("4y", 1460, 1461)] {
            #expect(isNeverShorter(months, "\(fewest)d") && !isNeverShorter(months, "\(fewest + 1)d"), "\(months)")
            #expect(isNeverShorter("\(most)d", months) && !isNeverShorter("\(most - 1)d", months), "\(months)")
        }
        // 400 years are a whole cycle of the calendar.
        #expect(isNeverShorter("400y", "146097d") && isNeverShorter("146097d", "400y"))
    }

    @Test("one is never shorter than another if from no day of 400 years it ends earlier", arguments: 0..<12)
    func againstEveryDay(_ round: Int) throws {
        var random = SeededRandom(for: "months against every day of 400 years (\(round))")
        let months = round < 6 ? UInt32(round) + 1 : .random(in: 1...Period.monthsMax, using: &random)
        let (fewest, most) = try Self.extremes(of: .months(months))
        for days in [fewest - 1, fewest, fewest + 1, most - 1, most, most + 1] where days > 0 {
            let other = Period.days(UInt32(days))
            #expect(Period.months(months).isNeverShorter(than: other) == (fewest >= days), "\(months)mo, \(days)d")
            #expect(other.isNeverShorter(than: .months(months)) == (days >= most), "\(months)mo, \(days)d")
        }
    }

    @Test("one that is never shorter than another ends no earlier, from whatever start")
    func neverEndsEarlier() throws {
        var random = SeededRandom(for: "never shorter, never earlier")
        for _ in 0..<3_000 {
            let (one, other) = (random.period(), random.period())
            guard one.isNeverShorter(than: other) else { continue }
            for _ in 0..<20 {
                let start = random.instant()
                let ends = (one.end(from: start) ?? .distantFuture, other.end(from: start) ?? .distantFuture)
                #expect(ends.0 >= ends.1, "\(start) + \(one), \(other)")
            }
        }
    }

    /// The fewest and most days of a period, from every day of 400 years.
    private static func extremes(of period: Period) throws -> (fewest: Int, most: Int) {
        var (fewest, most) = (Int.max, 0)
        for day in 0..<Int64(146_097) {
            let start = Instant(milliseconds: day * Instant.millisecondsPerDay)
            let end = try #require(period.end(from: start))
            let days = Int((end.milliseconds - start.milliseconds) / Instant.millisecondsPerDay)
            fewest = min(fewest, days)
            most = max(most, days)
        }
        return (fewest, most)
    }

    private func isNeverShorter(_ one: String, _ other: String) -> Bool {
        guard let one = Period(text: one), let other = Period(text: other) else {
            preconditionFailure("because \(one) and \(other) are written in the test")
        }
        return one.isNeverShorter(than: other)
    }
}

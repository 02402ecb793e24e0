import Events
import TestSupport
import Testing

@Suite("Period")
struct PeriodTests {
    @Test(
        "a period is read as it is written",
        arguments: [
            ("180d", Period.days(180)), ("26w", .weeks(26)), ("6mo", .months(6)), ("5y", .years(5)), ("forever", .forever),
            ("1d", .days(1)), ("365250d", .days(365_250)), ("52180w", .weeks(52_180)), ("12000mo", .months(12_000)),
            ("1000y", .years(1_000)),
        ])
    func readsAndWrites(_ text: String, _ period: Period) {
        #expect(Period(text: text) == period)
        #expect(period.description == text)
    }

    @Test("large and small letters mean the same")
    func letterCase() {
        #expect(Period(text: "6MO") == .months(6))
        #expect(Period(text: "180D") == .days(180))
        #expect(Period(text: "Forever") == .forever)
    }

    @Test(
        "anything else is no period: no time at all, more than a thousand years, other units, signs, spaces",
        arguments: [
            "", "d", "0d", "0mo", "00d", "180", "180 d", " 180d", "180d ", "+180d", "-180d", "1.5y", "180days", "6m", "6M0", "1h", "1s",
            "365251d", "52181w", "12001mo", "1001y", "99999999d", "4294967296d", "18446744073709551617d", "٣d", "１d", "1\u{301}d",
            "d180", "5y6mo", "for ever", "inherit",
        ])
    func garbage(_ text: String) {
        #expect(Period(text: text) == nil)
    }

    @Test("where nothing was decided it is 180 days")
    func systemDefault() {
        #expect(Period.systemDefault == .days(180))
    }

    @Test("days and weeks are of 24 hours, months and years go by the calendar, forever has no end")
    func ends() {
        let cases: [(String, String, String?)] = [
            ("2018-01-01T00:00:00.001Z", "180d", "2018-06-30T00:00:00.001Z"),
            ("2018-01-01T12:30:00Z", "26w", "2018-07-02T12:30:00Z"),
            ("2018-08-31T12:30:00Z", "6mo", "2019-02-28T12:30:00Z"),
            ("2019-08-31T12:30:00Z", "6mo", "2020-02-29T12:30:00Z"),
            ("2020-02-29T23:59:59.999Z", "1y", "2021-02-28T23:59:59.999Z"),
            ("2020-02-29T00:00:00Z", "4y", "2024-02-29T00:00:00Z"),
            ("2019-02-28T00:00:00Z", "1y", "2020-02-28T00:00:00Z"),
            ("2018-12-31T08:00:00Z", "2mo", "2019-02-28T08:00:00Z"),
            ("2018-12-15T08:00:00Z", "1mo", "2019-01-15T08:00:00Z"),
            ("2018-01-01T00:00:00Z", "forever", nil),
        ]
        for (start, period, end) in cases {
            #expect(Self.end(of: period, from: start) == end.flatMap { Instant(text: $0) }, "\(start) + \(period)")
        }
    }

    @Test("no end lies beyond what can be written")
    func lateEnds() {
        for period in ["365250d", "52180w", "12000mo", "1000y"] {
            #expect(Self.end(of: period, from: "9999-12-31T23:59:59.999Z") == .distantFuture)
            #expect(Self.end(of: period, from: "9500-06-15T00:00:00Z") == .distantFuture)
        }
    }

    @Test("the older of two moments ends no later than the younger, for periods of days and weeks")
    func growsByDays() throws {
        var random = SeededRandom(for: "periods of days grow")
        for _ in 0..<20_000 {
            let period: Period =
                random.chance(of: 1, in: 2)
                ? .days(.random(in: 1...Period.daysMax, using: &random)) : .weeks(.random(in: 1...Period.weeksMax, using: &random))
            let (older, younger) = random.neighbours()
            let ends = (try #require(period.end(from: older)), try #require(period.end(from: younger)))
            #expect(ends.0 <= ends.1, "\(older) \(younger) + \(period)")
        }
    }

    @Test("the older of two days ends no later than the younger, for periods of months and years")
    func growsByMonths() throws {
        var random = SeededRandom(for: "periods of months grow")
        for _ in 0..<20_000 {
            let period: Period =
                random.chance(of: 1, in: 2)
                ? .months(.random(in: 1...Period.monthsMax, using: &random)) : .years(.random(in: 1...Period.yearsMax, using: &random))
            let (older, younger) = random.neighbours()
            let ends = (try #require(period.end(from: older)), try #require(period.end(from: younger)))
            // Where a month's last days are pressed into one, only the time of day can go back.
            #expect(ends.0.day <= ends.1.day, "\(older) \(younger) + \(period)")
            if older.timeOfDay <= younger.timeOfDay { #expect(ends.0 <= ends.1, "\(older) \(younger) + \(period)") }
        }
    }

    @Test("31 January may end before 30 January, by less than a day: February has no room for both")
    func monthEnds() throws {
        let lateOn30th = try #require(Self.end(of: "1mo", from: "2018-01-30T23:00:00Z"))
        let earlyOn31st = try #require(Self.end(of: "1mo", from: "2018-01-31T01:00:00Z"))
        #expect(lateOn30th.description == "2018-02-28T23:00:00.000Z")
        #expect(earlyOn31st.description == "2018-02-28T01:00:00.000Z")
    }

    private static func end(of period: String, from start: String) -> Instant? {
        guard let period = Period(text: period), let start = Instant(text: start) else {
            preconditionFailure("because \(period) from \(start) is written in the test")
        }
        return period.end(from: start)
    }
}

extension Instant {
    fileprivate var day: Int64 { milliseconds / Instant.millisecondsPerDay }
    fileprivate var timeOfDay: Int64 { milliseconds % Instant.millisecondsPerDay }
}

extension SeededRandom {
    /// Two moments, the older first: seldom far apart, often some hours or days, where month ends meet.
    fileprivate mutating func neighbours() -> (older: Instant, younger: Instant) {
        let older = instant()
        let hours = Int64.random(in: 0...(chance(of: 1, in: 2) ? 100 : 20_000), using: &self)
        return (older, older.advanced(byMilliseconds: hours * 3_600_000 + Int64.random(in: 0..<3_600_000, using: &self)))
    }
}

import Events
import Foundation
import TestSupport
import Testing

@Suite("CivilTime")
struct CivilTimeTests {
    @Test("every day from 1970 to 2400 has the date that one gets by counting")
    func counts() {
        var counted = (year: 1970, month: 1, day: 1)
        var wrong: [String] = []
        for number in 0..<(431 * 365 + 105) {
            let noon = Instant(milliseconds: Int64(number) * Instant.millisecondsPerDay + 43_200_000)
            let civil = CivilTime(noon)
            let expected = CivilTime(year: counted.year, month: counted.month, day: counted.day, millisecondOfDay: 43_200_000)
            if civil != expected || civil.instant != noon { wrong.append("\(number): \(civil)") }
            Self.step(&counted)
        }
        #expect(wrong.isEmpty)
        #expect(counted == (2401, 1, 1))
    }

    /// To the next day, with the lengths of the months as one learns them at school.
    private static func step(_ date: inout (year: Int, month: Int, day: Int)) {
        let isLeap = date.year % 4 == 0 && date.year % 100 != 0 || date.year % 400 == 0
        let lengths = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        date.day += 1
        guard date.day > lengths[date.month - 1] else { return }
        date = date.month == 12 ? (date.year + 1, 1, 1) : (date.year, date.month + 1, 1)
    }

    @Test("every month's ends and random moments are what Foundation's calendar says")
    func agreesWithFoundation() throws {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = try #require(TimeZone(secondsFromGMT: 0))
        var random = SeededRandom(for: "civil time")
        var instants = (0..<5_000).map { _ in random.instant() }
        for month in 0..<(431 * 12) {
            let start = CivilTime(year: 1970 + month / 12, month: month % 12 + 1, day: 1).instant
            instants += [start, Instant(milliseconds: max(0, start.milliseconds - 1))]
        }
        var wrong: [Instant] = []
        for instant in instants {
            // In whole seconds: a Double holds them exactly, and the milliseconds not.
            let (seconds, milliseconds) = instant.milliseconds.quotientAndRemainder(dividingBy: 1000)
            let date = Date(timeIntervalSince1970: Double(seconds))
            let parts = calendar.dateComponents([.year, .month, .day, .hour, .minute, .second], from: date)
            let ofDay = ((parts.hour ?? 0) * 60 + (parts.minute ?? 0)) * 60 + (parts.second ?? 0)
            let expected = CivilTime(
                year: parts.year ?? 0, month: parts.month ?? 0, day: parts.day ?? 0,
                millisecondOfDay: Int64(ofDay) * 1000 + milliseconds)
            if CivilTime(instant) != expected || expected.instant != instant { wrong.append(instant) }
        }
        #expect(wrong.isEmpty)
    }

    @Test("moments before 1970 are taken apart too")
    func beforeTheEpoch() {
        #expect(CivilTime(Instant(milliseconds: -1)) == CivilTime(year: 1969, month: 12, day: 31, millisecondOfDay: 86_399_999))
        #expect(CivilTime(year: 0, month: 2, day: 29).instant.milliseconds == -62_162_121_600_000)
        #expect(CivilTime(Instant(milliseconds: -62_162_121_600_000)) == CivilTime(year: 0, month: 2, day: 29))
    }

    @Test("months are added, and a day that the month lacks becomes its last")
    func addsMonths() {
        let cases: [(CivilTime, Int, CivilTime)] = [
            (.init(year: 2018, month: 8, day: 31), 6, .init(year: 2019, month: 2, day: 28)),
            (.init(year: 2019, month: 8, day: 31), 6, .init(year: 2020, month: 2, day: 29)),
            (.init(year: 2020, month: 2, day: 29), 12, .init(year: 2021, month: 2, day: 28)),
            (.init(year: 2020, month: 2, day: 29), 48, .init(year: 2024, month: 2, day: 29)),
            (.init(year: 2020, month: 12, day: 15), 1, .init(year: 2021, month: 1, day: 15)),
            (.init(year: 2020, month: 11, day: 30), 1, .init(year: 2020, month: 12, day: 30)),
            (.init(year: 2020, month: 1, day: 31), 0, .init(year: 2020, month: 1, day: 31)),
            (.init(year: 2020, month: 1, day: 31), -2, .init(year: 2019, month: 11, day: 30)),
            (.init(year: 2020, month: 3, day: 10), -15, .init(year: 2018, month: 12, day: 10)),
        ]
        for (start, count, end) in cases { #expect(start.adding(months: count) == end, "\(start) + \(count)") }
    }

    @Test("the time of day stays when months are added")
    func keepsTimeOfDay() {
        let evening = CivilTime(year: 2018, month: 8, day: 31, millisecondOfDay: 86_399_999)
        #expect(evening.adding(months: 6).millisecondOfDay == 86_399_999)
    }

    @Test("a century is a leap year when it can be divided by 400")
    func leapYears() {
        let leaps = [1600, 1970, 1972, 1900, 2000, 2024, 2100, 2400].filter(CivilTime.isLeap)
        #expect(leaps == [1600, 1972, 2000, 2024, 2400])
        #expect((1...12).map { CivilTime.daysIn(month: $0, year: 2023) } == [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
    }
}

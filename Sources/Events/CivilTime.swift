/// A moment taken apart by the proleptic Gregorian calendar in UTC.
///
/// The conversion between days and dates is Howard Hinnant's
/// (https://howardhinnant.github.io/date_algorithms.html): exact, without tables, for any year.
package struct CivilTime: Hashable, Sendable {
    package var year: Int
    package var month: Int  // 1…12
    package var day: Int  // 1…31
    package var millisecondOfDay: Int64

    package init(year: Int, month: Int, day: Int, millisecondOfDay: Int64 = 0) {
        self.year = year
        self.month = month
        self.day = day
        self.millisecondOfDay = millisecondOfDay
    }

    package init(_ instant: Instant) {
        let perDay = Instant.millisecondsPerDay
        let days = Self.floorDivide(instant.milliseconds, perDay)
        millisecondOfDay = instant.milliseconds - days * perDay
        let shifted = days + 719_468  // 0000-03-01, so that a leap day ends its year
        let era = Self.floorDivide(shifted, 146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        day = Int(dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
        month = Int(shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9)
        year = Int(yearOfEra + era * 400) + (month <= 2 ? 1 : 0)
    }

    /// The moment; fields must be in range (`daysIn(month:year:)` tells the last day).
    package var instant: Instant {
        let shiftedYear = Int64(month <= 2 ? year - 1 : year)
        let era = Self.floorDivide(shiftedYear, 400)
        let yearOfEra = shiftedYear - era * 400
        let shiftedMonth = Int64(month > 2 ? month - 3 : month + 9)
        let dayOfYear = (153 * shiftedMonth + 2) / 5 + Int64(day) - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        let days = era * 146_097 + dayOfEra - 719_468
        return Instant(milliseconds: days * Instant.millisecondsPerDay + millisecondOfDay)
    }

    /// The same time of day `count` months later. A day that the month lacks becomes its last: 31 August + 6 months is 28 or 29 February.
    package func adding(months count: Int) -> CivilTime {
        let months = Int64(year) * 12 + Int64(month - 1) + Int64(count)
        let newYear = Int(Self.floorDivide(months, 12))
        let newMonth = Int(months - Int64(newYear) * 12) + 1
        let lastDay = Self.daysIn(month: newMonth, year: newYear)
        return CivilTime(year: newYear, month: newMonth, day: min(day, lastDay), millisecondOfDay: millisecondOfDay)
    }

    package static func isLeap(_ year: Int) -> Bool {
        year.isMultiple(of: 4) && (!year.isMultiple(of: 100) || year.isMultiple(of: 400))
    }

    package static func daysIn(month: Int, year: Int) -> Int {
        switch month {
        case 2: isLeap(year) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    static func floorDivide(_ dividend: Int64, _ divisor: Int64) -> Int64 {
        let (quotient, remainder) = dividend.quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? quotient - 1 : quotient
    }
}

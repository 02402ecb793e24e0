/// How long messages are kept. Days and weeks are of 24 hours; months and years follow the UTC calendar.
package enum Period: Hashable, Sendable {
    case days(UInt32)
    case weeks(UInt32)
    case months(UInt32)
    case years(UInt32)
    case forever

    /// Where nothing else was decided.
    package static let systemDefault = Period.days(180)

    /// The longest period of each unit: a thousand years. Whoever wants longer means `forever`.
    package static let daysMax: UInt32 = 365_250
    package static let weeksMax: UInt32 = 52_180
    package static let monthsMax: UInt32 = 12_000
    package static let yearsMax: UInt32 = 1_000

    /// No period is shorter than a day.
    package static let shortestMilliseconds = Instant.millisecondsPerDay

    /// The first moment at which something of the time `start` is expired, or nil if it never is.
    ///
    /// Of two days the older never ends later, and of two moments neither, except where a shorter month presses several days
    /// into its last: 30 January 23:00 plus a month lies after 31 January 01:00 plus a month, by less than a day.
    package func end(from start: Instant) -> Instant? {
        switch self {
        case .days(let count): start.advanced(byMilliseconds: Int64(count) * Instant.millisecondsPerDay)
        case .weeks(let count): start.advanced(byMilliseconds: Int64(count) * 7 * Instant.millisecondsPerDay)
        case .months(let count): Self.later(than: start, months: Int(count))
        case .years(let count): Self.later(than: start, months: Int(count) * 12)
        case .forever: nil
        }
    }

    private static func later(than start: Instant, months: Int) -> Instant {
        min(CivilTime(start).adding(months: months).instant, .distantFuture)
    }
}

extension Period {
    /// Whether, from whatever start, this period's end is not before the other one's.
    ///
    /// Of two periods, neither may be never shorter: 31 days are longer than most months, and 30 days longer than few.
    package func isNeverShorter(than other: Period) -> Bool {
        switch (length, other.length) {
        case (nil, _): true
        case (_, nil): false
        case (.days(let own)?, .days(let other)?): own >= other
        case (.months(let own)?, .months(let other)?): own >= other
        case (.days(let own)?, .months(let other)?): own >= Self.days(inMonths: other).upperBound
        case (.months(let own)?, .days(let other)?): Self.days(inMonths: own).lowerBound >= other
        }
    }

    private enum Length {
        case days(Int)
        case months(Int)
    }

    /// Nil for forever.
    private var length: Length? {
        switch self {
        case .days(let count): .days(Int(count))
        case .weeks(let count): .days(Int(count) * 7)
        case .months(let count): .months(Int(count))
        case .years(let count): .months(Int(count) * 12)
        case .forever: nil
        }
    }

    /// The fewest and the most days that so many months can have. The calendar repeats after 400 years, so each month of these
    /// is tried as a start. From a month's first day it is the most, since no day of it is pressed back; from its last day the fewest.
    private static func days(inMonths count: Int) -> ClosedRange<Int> {
        let firsts = firstDays
        let (cycles, rest) = count.quotientAndRemainder(dividingBy: monthsPerCycle)
        var fewest = Int.max
        var most = 0
        for start in 0..<monthsPerCycle {
            let end = start + rest
            let lastDay = min(firsts[start + 1] - firsts[start], firsts[end + 1] - firsts[end])
            most = max(most, firsts[end] - firsts[start])
            fewest = min(fewest, firsts[end] + lastDay - firsts[start + 1])
        }
        return fewest + cycles * daysPerCycle...most + cycles * daysPerCycle
    }

    private static let monthsPerCycle = 400 * 12
    private static let daysPerCycle = 146_097

    /// The first days of the months of two cycles, counted from 1 January 2000, and of the one behind them. Made once, because an import
    /// may compare thousands of periods.
    private static let firstDays: [Int] = {
        var days = [0]
        for month in 0..<2 * monthsPerCycle {
            days.append(days[month] + CivilTime.daysIn(month: month % 12 + 1, year: 2000 + month / 12))
        }
        return days
    }()
}

extension Period: CustomStringConvertible {
    /// As it is written on the wire: `180d`, `26w`, `6mo`, `5y`, `forever`.
    package var description: String {
        switch self {
        case .days(let count): "\(count)d"
        case .weeks(let count): "\(count)w"
        case .months(let count): "\(count)mo"
        case .years(let count): "\(count)y"
        case .forever: "forever"
        }
    }

    /// Reads what `description` writes. Nil for anything else, for no time at all (`0d`), and for more than a thousand years.
    package init?(text: some StringProtocol) {
        let text = text.lowercased()
        if text == "forever" {
            self = .forever
            return
        }
        let digits = text.prefix { ("0"..."9").contains($0) }
        guard digits.utf8.count <= 7, let count = UInt32(digits), count > 0 else { return nil }
        self.init(count: count, unit: String(text.dropFirst(digits.count)))
    }

    private init?(count: UInt32, unit: String) {
        switch unit {
        case "d" where count <= Self.daysMax: self = .days(count)
        case "w" where count <= Self.weeksMax: self = .weeks(count)
        case "mo" where count <= Self.monthsMax: self = .months(count)
        case "y" where count <= Self.yearsMax: self = .years(count)
        default: return nil
        }
    }
}

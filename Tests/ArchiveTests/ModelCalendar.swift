/// Days since 1970 and their dates: Howard Hinnant's `days_from_civil` and `civil_from_days`, with months added and days pressed back.
enum Calendar {
    static let day = 86_400_000
    /// Those that histories use.
    static let periods = ["1d", "2d", "7d", "4w", "30d", "31d", "1mo", "2mo", "6mo", "10mo", "180d", "1y", "forever"]

    static func end(of period: String, from at: Int) -> Int {
        guard let count = Int(period.prefix { $0.isNumber }) else { return .max }
        switch period.drop(while: \.isNumber) {
        case "d": return at + count * day
        case "w": return at + count * 7 * day
        case "mo": return adding(count, to: at)
        default: return adding(count * 12, to: at)
        }
    }

    /// Whether there is a day of which the one would end earlier than the other. Nil: no period at all.
    static func isShorter(_ one: String?, than other: String?) -> Bool {
        guard let other else { return false }
        return one.map { shorter.contains([$0, other]) } ?? true
    }

    /// Tried on each day of some years, among them one of 366 days.
    private static let shorter: Set<[String]> = {
        let days = (20_000..<22_000).map { $0 * day }
        let ends = periods.map { period in days.map { end(of: period, from: $0) } }
        var pairs: Set<[String]> = []
        for (one, its) in zip(periods, ends) {
            for (other, others) in zip(periods, ends) where zip(its, others).contains(where: <) { pairs.insert([one, other]) }
        }
        return pairs
    }()

    private static func adding(_ months: Int, to at: Int) -> Int {
        let (year, month, dayOfMonth) = date(ofDay: at / day)
        let all = year * 12 + month - 1 + months
        let first = number(year: all / 12, month: all % 12 + 1)
        let length = number(year: (all + 1) / 12, month: (all + 1) % 12 + 1) - first
        return (first + min(dayOfMonth, length) - 1) * day + at % day
    }

    /// The first of a month.
    private static func number(year: Int, month: Int) -> Int {
        let year = month <= 2 ? year - 1 : year
        let ofEra = year % 400
        let ofYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5
        return year / 400 * 146_097 + ofEra * 365 + ofEra / 4 - ofEra / 100 + ofYear - 719_468
    }

    private static func date(ofDay number: Int) -> (year: Int, month: Int, day: Int) {
        var year = 1970 + number / 366
        while self.number(year: year + 1, month: 1) <= number { year += 1 }
        let month = (1...12).last { self.number(year: year, month: $0) <= number } ?? 1
        return (year, month, number - self.number(year: year, month: month) + 1)
    }
}

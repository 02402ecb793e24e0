import FoundationEssentials

/// When a period ends, by Foundation's calendar.
enum Calendar {
    static let day = 86_400_000
    private static let civil = {
        var calendar = FoundationEssentials.Calendar(identifier: .gregorian)
        calendar.timeZone = .gmt
        return calendar
    }()

    static func end(of period: String, from at: Int) -> Int {
        guard let count = Int(period.prefix { $0.isNumber }) else { return .max }
        let unit = period.drop(while: \.isNumber)
        if unit == "d" || unit == "w" { return at + count * (unit == "w" ? 7 : 1) * day }
        let date = Date(timeIntervalSince1970: Double(at / day * 86_400))
        let end = civil.date(byAdding: unit == "mo" ? .month : .year, value: count, to: date) ?? .distantFuture
        return Int(end.timeIntervalSince1970) * 1000 + at % day
    }
}

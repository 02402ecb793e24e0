/// Reading and writing of moments as RFC 3339 text, such as `2026-11-23T06:42:18.123Z`.
extension Instant: CustomStringConvertible {
    /// UTC with milliseconds.
    package var description: String {
        let civil = CivilTime(self)
        let (seconds, milliseconds) = civil.millisecondOfDay.quotientAndRemainder(dividingBy: 1000)
        return Self.padded(civil.year, 4) + "-" + Self.padded(civil.month, 2) + "-" + Self.padded(civil.day, 2)
            + "T" + Self.padded(Int(seconds / 3600), 2) + ":" + Self.padded(Int(seconds / 60 % 60), 2)
            + ":" + Self.padded(Int(seconds % 60), 2) + "." + Self.padded(Int(milliseconds), 3) + "Z"
    }

    /// Reads a date-time with zone (`Z` or `±hh:mm`; fractions beyond milliseconds are cut off), a bare date (its start in UTC),
    /// or a number of milliseconds since 1970. Returns nil for anything else, and for a moment outside 1970…9999.
    package init?(text: some StringProtocol) {
        var reader = Digits(Array(text.utf8))
        if let milliseconds = reader.wholeNumber() {
            self.init(milliseconds: milliseconds)
        } else if let moment = reader.dateAndTime() {
            self = moment
        } else {
            return nil
        }
        guard isWritable else { return nil }
    }

    private static func padded(_ number: Int, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
    }
}

/// Takes text apart, digit by digit.
private struct Digits {
    private let bytes: [UInt8]
    private var index = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// All of the text as one number, or nil and nothing taken.
    func wholeNumber() -> Int64? {
        guard !bytes.isEmpty, bytes.count <= 15, bytes.allSatisfy(Self.isDigit) else { return nil }
        return bytes.reduce(0) { $0 * 10 + Int64($1 - UInt8(ascii: "0")) }
    }

    mutating func dateAndTime() -> Instant? {
        guard let year = number(4), take("-"), let month = number(2), take("-"), let day = number(2),
            (1...12).contains(month), (1...CivilTime.daysIn(month: month, year: year)).contains(day)
        else { return nil }
        let midnight = CivilTime(year: year, month: month, day: day)
        if index == bytes.count { return midnight.instant }
        guard take("T") || take("t") || take(" "), let time = timeOfDay(), let offset = zone(), index == bytes.count else { return nil }
        return Instant(milliseconds: midnight.instant.milliseconds + time - offset)
    }

    private mutating func timeOfDay() -> Int64? {
        guard let hour = number(2), take(":"), let minute = number(2), take(":"), let second = number(2),
            hour < 24, minute < 60, second <= 60
        else { return nil }
        // A leap second has no number of its own in POSIX time; it counts as the second after it.
        let whole = Int64((hour * 60 + minute) * 60 + second) * 1000
        guard take(".") else { return whole }
        return fraction().map { whole + $0 }
    }

    private mutating func fraction() -> Int64? {
        var milliseconds: Int64 = 0
        var digits = 0
        while index < bytes.count, Self.isDigit(bytes[index]) {
            if digits < 3 { milliseconds = milliseconds * 10 + Int64(bytes[index] - UInt8(ascii: "0")) }
            digits += 1
            index += 1
        }
        guard digits > 0 else { return nil }
        for _ in min(digits, 3)..<3 { milliseconds *= 10 }
        return milliseconds
    }

    private mutating func zone() -> Int64? {
        if take("Z") || take("z") { return 0 }
        let sign: Int64
        if take("+") { sign = 1 } else if take("-") { sign = -1 } else { return nil }
        guard let hours = number(2), take(":"), let minutes = number(2), hours < 24, minutes < 60 else { return nil }
        return sign * Int64(hours * 60 + minutes) * 60_000
    }

    private mutating func number(_ width: Int) -> Int? {
        guard index + width <= bytes.count else { return nil }
        let digits = bytes[index..<index + width]
        guard digits.allSatisfy(Self.isDigit) else { return nil }
        index += width
        return digits.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
    }

    private mutating func take(_ sign: Unicode.Scalar) -> Bool {
        guard index < bytes.count, bytes[index] == UInt8(ascii: sign) else { return false }
        index += 1
        return true
    }

    private static func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }
}

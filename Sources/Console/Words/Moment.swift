package import Events

/// A moment as people write it: a time of any usual form, or a position of the log.
package enum Moment: Equatable, Sendable {
    case time(Instant)
    case position(UInt64)

    /// What may be written, for help and errors.
    package static let forms = "2026-11-23, '2026-11-23 06:42', RFC 3339, ms since 1970, now, today, yesterday, '30d ago'"

    /// Reads a moment; a date or time without a zone is the given zone's. Nil if it is none.
    package init?(_ text: String, now: Instant, in zone: Zone) {
        let text = text.lowercased().trimmingSpaces()
        if let position = Self.position(text) {
            self = .position(position)
        } else if let instant = Self.instant(text, now: now, in: zone), instant.isWritable {
            self = .time(instant)
        } else {
            return nil
        }
    }

    /// As the wire wants it.
    package var word: String {
        switch self {
        case .time(let instant): String(instant.milliseconds)
        case .position(let position): "#\(position)"
        }
    }

    private static func position(_ text: String) -> UInt64? {
        guard text.first == "#", text.dropFirst().allSatisfy(\.isASCIIDigit) else { return nil }
        return UInt64(text.dropFirst())
    }

    private static func instant(_ text: String, now: Instant, in zone: Zone) -> Instant? {
        var today = zone.civil(now)
        today.millisecondOfDay = 0
        switch text {
        case "now":
            return now
        case "today":
            return zone.instant(today)
        case "yesterday":
            return zone.instant(zone.civil(zone.instant(today).advanced(byMilliseconds: -Instant.millisecondsPerDay / 2)).startOfDay)
        default:
            break
        }
        if text.allSatisfy(\.isASCIIDigit) {
            // "2018" is a year to whoever writes it, and the third second of 1970 to a computer: better to ask.
            return text.utf8.count >= millisecondDigitsMin ? Instant(text: text) : nil
        }
        return ago(text, now: now, in: zone) ?? dateAndTime(text, in: zone) ?? Instant(text: text)
    }

    private static let millisecondDigitsMin = 10

    /// `30d ago`, `2 weeks ago`, `5y ago`: by the zone's calendar for whole days and more, so that the time of day stays.
    private static func ago(_ text: String, now: Instant, in zone: Zone) -> Instant? {
        guard text.hasSuffix(" ago") else { return nil }
        let span = text.dropLast(4)
        let digits = span.prefix(while: \.isASCIIDigit)
        guard digits.utf8.count <= 7, let count = Int(digits) else { return nil }
        let unit = span.dropFirst(digits.count).filter { $0 != " " }
        if let milliseconds = millisecondsPerUnit[unit] { return now.advanced(byMilliseconds: -Int64(count) * milliseconds) }
        guard let months = monthsPerUnit[unit], count <= 12_000 else { return nil }
        return zone.instant(zone.civil(now).adding(months: -count * months))
    }

    private static let millisecondsPerUnit: [String: Int64] = {
        let units: [(Int64, [String])] = [
            (1, ["ms"]), (1000, ["s", "sec", "second", "seconds"]), (60_000, ["min", "minute", "minutes"]),
            (3_600_000, ["h", "hour", "hours"]), (86_400_000, ["d", "day", "days"]), (604_800_000, ["w", "week", "weeks"]),
        ]
        return Dictionary(uniqueKeysWithValues: units.flatMap { size, names in names.map { ($0, size) } })
    }()
    private static let monthsPerUnit = ["mo": 1, "month": 1, "months": 1, "y": 12, "year": 12, "years": 12]

    /// `2026-11-23`, `2026-11-23 06:42`, `…:18`, `…:18.123`, with a space or a T: what the tables show, so that it can be pasted back.
    private static func dateAndTime(_ text: String, in zone: Zone) -> Instant? {
        var text = text.replacing(" ", with: "t")
        if text.utf8.count == "2026-11-23t06:42".utf8.count { text += ":00" }
        if text.utf8.count == "2026-11-23".utf8.count { text += "t00:00:00" }
        // The calendar's checks are those of RFC 3339, read as if it were UTC and then moved to the zone.
        guard !text.hasSuffix("z"), let asUTC = Instant(text: text + "Z") else { return nil }
        return zone.instant(CivilTime(asUTC))
    }
}

extension Character {
    fileprivate var isASCIIDigit: Bool { ("0"..."9").contains(self) }
}

extension CivilTime {
    fileprivate var startOfDay: CivilTime { CivilTime(year: year, month: month, day: day) }
}

extension String {
    fileprivate func trimmingSpaces() -> String {
        var text = self[...].drop { $0 == " " }
        while text.last == " " { text.removeLast() }
        return String(text)
    }
}

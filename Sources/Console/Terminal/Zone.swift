package import Events
import Glibc

/// The zone in which moments are shown and read.
package enum Zone: Sendable {
    case utc
    /// The machine's: `$TZ`, else `/etc/localtime`.
    case local

    /// How much of a moment is shown.
    package enum Precision: Sendable { case seconds, milliseconds }

    /// Such as `2026-11-23 06:42:18`, sortable, and readable by `Moment`.
    package func text(_ instant: Instant, to precision: Precision = .seconds) -> String {
        let shifted = Instant(milliseconds: instant.milliseconds + offsetMilliseconds(at: instant))
        // RFC 3339 without what a table's heading says once: 2026-11-23T06:42:18.123Z
        let text = shifted.description.replacing("T", with: " ").dropLast()
        return String(precision == .milliseconds ? text : text.dropLast(4))
    }

    /// What to write into a heading.
    package var name: String {
        switch self {
        case .utc: "UTC"
        case .local: "local"
        }
    }

    /// The moment that this zone's clocks call by that date and time. A time that summer time skips is moved on by an hour.
    package func instant(_ civil: CivilTime) -> Instant {
        switch self {
        case .utc:
            return civil.instant
        case .local:
            let (seconds, milliseconds) = civil.millisecondOfDay.quotientAndRemainder(dividingBy: 1000)
            var fields = tm()
            fields.tm_year = Int32(civil.year - 1900)
            fields.tm_mon = Int32(civil.month - 1)
            fields.tm_mday = Int32(civil.day)
            fields.tm_hour = Int32(seconds / 3600)
            fields.tm_min = Int32(seconds / 60 % 60)
            fields.tm_sec = Int32(seconds % 60)
            fields.tm_isdst = -1  // The zone's rules decide whether it is summer time.
            return Instant(milliseconds: Int64(mktime(&fields)) * 1000 + milliseconds)
        }
    }

    /// The date and time that this zone's clocks show.
    package func civil(_ instant: Instant) -> CivilTime {
        CivilTime(Instant(milliseconds: instant.milliseconds + offsetMilliseconds(at: instant)))
    }

    private func offsetMilliseconds(at instant: Instant) -> Int64 {
        switch self {
        case .utc:
            return 0
        case .local:
            var seconds = time_t(instant.milliseconds / 1000)
            var fields = tm()
            return localtime_r(&seconds, &fields) == nil ? 0 : Int64(fields.tm_gmtoff) * 1000
        }
    }

    /// The wall clock's time: the one place of the console that reads it.
    package static func now() -> Instant {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Instant(milliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
    }
}

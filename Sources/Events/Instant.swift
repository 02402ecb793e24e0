/// A moment: milliseconds since 1970-01-01T00:00:00Z, without leap seconds, as POSIX counts them.
///
/// An instant never reads a clock; whoever needs "now" is given it.
package struct Instant: Hashable, Comparable, Sendable {
    package let milliseconds: Int64

    @inlinable package init(milliseconds: Int64) { self.milliseconds = milliseconds }

    @inlinable package static func < (left: Instant, right: Instant) -> Bool { left.milliseconds < right.milliseconds }

    package static let millisecondsPerDay: Int64 = 86_400_000

    /// Before every event, and after every event that can be.
    package static let distantPast = Instant(milliseconds: 0)
    package static let distantFuture = Instant(milliseconds: 253_402_300_799_999)  // 9999-12-31T23:59:59.999Z

    /// An event's time must lie between 1970 and the end of the year 9999: what RFC 3339 can write.
    package var isWritable: Bool { self >= .distantPast && self <= .distantFuture }

    /// Later (or earlier) by so many milliseconds, held at the ends of what can be written.
    package func advanced(byMilliseconds count: Int64) -> Instant {
        let (sum, overflow) = milliseconds.addingReportingOverflow(count)
        if overflow { return count > 0 ? .distantFuture : .distantPast }
        return Instant(milliseconds: min(max(sum, Instant.distantPast.milliseconds), Instant.distantFuture.milliseconds))
    }
}

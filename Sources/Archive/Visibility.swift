import Events
import Projections

/// What a viewer sees, and when a message expires: pure functions, without clock or storage.
///
/// One function, `isExpired`, decides expiry for reads, for plans and for the destroyer.
enum Visibility {
    /// Expired if and only if the moment has reached the end of the message's period, and of every floor's.
    static func isExpired(at: Instant, under terms: Terms, asOf time: Instant) -> Bool {
        guard let end = terms.end(from: at) else { return false }
        return time >= end
    }

    /// The state of a message that exists within the horizon, for a viewer who may have hidden it.
    static func state(at: Instant, under terms: Terms, isHidden: Bool, asOf time: Instant) -> MessageState {
        if isExpired(at: at, under: terms, asOf: time) { return .expired }
        return isHidden ? .hidden : .visible
    }

    /// A time before which every message of the same terms is expired, and not much earlier than the first that is not.
    ///
    /// A binary search, because months have no inverse: what was sent on 31 August and on 1 September may expire on the same day.
    /// Where a shorter month presses 28, 29, 30 and 31 into its last day, each of them is alive again from its own time of day on,
    /// and the search may find any of the four: so it steps back by the three days between the first and the last.
    static func firstLiving(under terms: Terms, asOf time: Instant) -> Instant {
        var expired = Instant.distantPast.milliseconds - 1
        var living = Instant.distantFuture.milliseconds
        while living - expired > 1 {
            let middle = expired + (living - expired) / 2
            if isExpired(at: Instant(milliseconds: middle), under: terms, asOf: time) { expired = middle } else { living = middle }
        }
        return Instant(milliseconds: living).advanced(byMilliseconds: -3 * Instant.millisecondsPerDay)
    }
}

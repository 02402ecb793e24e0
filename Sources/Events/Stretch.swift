/// A stretch of time, both ends in it.
///
/// Two moments of one UTC day keep their order under every period; two of different days need not (`Period.end`). So what is told of a
/// stretch by some of its moments looks at the first and the last one of each of its days.
package struct Stretch: Hashable, Sendable {
    package let first: Instant
    package let last: Instant

    package init(from first: Instant, through last: Instant) {
        precondition(first <= last, "a stretch has a moment because its first is one")
        self.first = first
        self.last = last
    }

    package func contains(_ time: Instant) -> Bool { first <= time && time <= last }

    package func contains(_ other: Stretch) -> Bool { first <= other.first && other.last <= last }

    /// The shortest one that has both.
    package func joined(with other: Stretch) -> Stretch { Stretch(from: min(first, other.first), through: max(last, other.last)) }

    /// Whether some of it lies before a moment, and some at it or later.
    package func isCut(at time: Instant) -> Bool { first < time && time <= last }

    /// Its UTC days, oldest first, each as far as it lies in the stretch.
    package var days: Days { Days(rest: self) }

    package struct Days: Sequence, IteratorProtocol {
        fileprivate var rest: Stretch?

        package mutating func next() -> Stretch? {
            guard let stretch = rest else { return nil }
            let perDay = Instant.millisecondsPerDay
            let following = Instant(milliseconds: (stretch.first.milliseconds / perDay + 1) * perDay)
            guard following <= stretch.last else {
                rest = nil
                return stretch
            }
            rest = Stretch(from: following, through: stretch.last)
            return Stretch(from: stretch.first, through: following.advanced(byMilliseconds: -1))
        }
    }
}

extension Terms {
    /// Before this nothing of the stretch has expired, and something may have from then on. Nil if nothing of it ever does.
    package func earliestEnd(in stretch: Stretch) -> Instant? {
        var earliest: Instant?
        for day in stretch.days {
            // If one day never ends, none does.
            guard let end = end(from: day.first) else { return nil }
            earliest = earliest.map { min($0, end) } ?? end
        }
        return earliest
    }
}

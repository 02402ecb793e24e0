package import Events

/// What a question may know: the events up to a position whose time is not after a moment. Expiry is judged at that moment.
///
/// Every answer is given within a horizon, so that the same question as of the same position has the same answer for ever.
package struct Horizon: Hashable, Sendable {
    package var position: Position
    package var time: Instant

    package init(position: Position, time: Instant) {
        self.position = position
        self.time = time
    }

    package func includes(_ position: Position, at: Instant) -> Bool {
        position <= self.position && at <= time
    }
}

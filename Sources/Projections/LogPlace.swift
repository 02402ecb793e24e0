package import Events

/// Where and when an event entered what a projection knows: enough to say whether a horizon includes it.
package struct LogPlace: Hashable, Sendable {
    package var position: Position
    package var at: Instant

    package init(position: Position, at: Instant) {
        self.position = position
        self.at = at
    }

    package func isWithin(_ horizon: Horizon) -> Bool { horizon.includes(position, at: at) }
}

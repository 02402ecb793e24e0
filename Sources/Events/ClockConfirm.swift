/// An operator said that the clock, which had been doubted, is right.
package struct ClockConfirm: Hashable, Sendable {
    /// What the clock showed then.
    package var wall: Instant
    package var reason: String

    package init(wall: Instant, reason: String) {
        self.wall = wall
        self.reason = reason
    }

    package static let reasonBytesMax = 1024
}

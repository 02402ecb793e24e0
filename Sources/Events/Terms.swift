/// How long a conversation's messages are kept: its policy, and the floors below which no policy goes.
package struct Terms: Hashable, Sendable {
    package var policy: Period
    package var floors: [Period]

    package init(policy: Period, floors: [Period] = []) {
        self.policy = policy
        self.floors = floors
    }

    /// The first moment at which something of the time `start` is expired: the latest of all ends. Nil if it never is.
    package func end(from start: Instant) -> Instant? {
        guard var latest = policy.end(from: start) else { return nil }
        for floor in floors {
            guard let end = floor.end(from: start) else { return nil }
            latest = max(latest, end)
        }
        return latest
    }

    /// Whether a floor still protects something of the time `at`, whatever its policy says.
    package func isFloored(at: Instant, asOf time: Instant) -> Bool {
        floors.contains { floor in floor.end(from: at).map { $0 > time } ?? true }
    }
}

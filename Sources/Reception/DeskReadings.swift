import Archive
import Events

/// Auditors are recorded first, and shown then.
extension Desk {
    /// Makes durable that somebody is about to be shown something. Returns why he must not be, if so.
    ///
    /// With a sync of its own, apart from the batch that gathers: a question's session is in no batch, and readings are rare.
    func record(_ draft: AccessDraft, by principal: Principal) -> Refusal? {
        commit()
        // No wait for room, as appends have it: the answer is made, and would lie in memory all the while.
        if appender.room == .tailFull { return .behind }
        var refusal: Refusal?
        appender.access(draft, by: principal, ticket: Ticket(0), now: now)
        appender.commit { _, verdict in
            if case .refused(let reason) = verdict { refusal = reason }
        }
        wakeFollowers()
        tellTrouble()
        return refusal
    }
}

extension Refusal {
    static let behind = Refusal(.busy, "the daemon cannot fold events as fast as they come; try again in a moment")
}

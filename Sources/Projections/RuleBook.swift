package import Events

/// All that decides what is kept and what is destroyed, with its history: policies, holds, the purges so far, and which partitions left.
package struct RuleBook: Sendable {
    package private(set) var policies = PolicyBook()
    package private(set) var holds = HoldBook()
    package private(set) var purges = PurgeBook()
    /// Of each partition that was ever removed, the last removal.
    package private(set) var removals: [Int32: PartitionRemove] = [:]
    /// The last event that changed what may be destroyed: of policies, floors and holds. A plan that knows it is up to date.
    package private(set) var last = Position.none
    /// The last time that an operator said that the clock is right, and what it showed. No rule: it changes nothing for messages.
    package private(set) var clockConfirmed: (position: Position, wall: Instant)?

    package init() {}

    /// Takes in an event; those that are about single messages change nothing. Events come in order of position; the same one again
    /// changes nothing.
    package mutating func apply(_ event: Event) {
        let (position, at) = (event.position, event.at)
        switch event.deed {
        case .send, .localDelete, .access: return
        case .clockConfirm(let confirm):
            if position > clockConfirmed?.position ?? .none { clockConfirmed = (position, confirm.wall) }
            return
        case .partitionRemove(let removal): return removals[removal.partition] = removal
        case .purgeIntent(let intent): return purges.intend(intent, position: position, at: at, principal: event.principal)
        case .purge(let purge): return purges.settle(purge, position: position, at: at)
        case .retentionChange(let change): policies.record(change, position: position, at: at)
        case .retentionCancel(let cancel): policies.cancel(cancel.change, position: position, at: at)
        case .holdPlace(let hold): holds.place(hold, position: position, at: at, principal: event.principal)
        case .holdRelease(let release): holds.release(release.id, position: position, at: at)
        }
        last = max(last, position)
    }
}

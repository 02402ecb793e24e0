import RESP

/// What decides when a message expires: a policy or a floor, and the event that set it; nil where nobody decided.
package struct Decider: Hashable, Sendable {
    package var isFloor: Bool
    package var position: Int?

    package init(isFloor: Bool, position: Int?) {
        self.isFloor = isFloor
        self.position = position
    }

    /// From the `why` of an answer.
    init(_ why: RESPValue?) {
        isFloor = why?["floors-expiry"]?.boolean ?? false
        position = why?[isFloor ? "floor-position" : "policy-position"]?.integer
    }
}

/// What made a message expire, or be kept longer, between two moments.
package enum RuleCause: Hashable, Sendable {
    /// Nothing was decided: time went by.
    case time(under: Decider)
    /// The change at whose taking effect it came about, and what decides since. It may be that rule, or have ended the one before it.
    case change(Int, to: Decider)
    /// Nobody can tell any more.
    case unknown
}

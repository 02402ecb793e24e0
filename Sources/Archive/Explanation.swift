package import Events
import Projections

/// Why a message expires when it does, and what keeps it.
package struct Explanation: Hashable, Sendable {
    /// The policy that counts.
    package var policy: PolicyInForce
    package var isLocked: Bool
    /// Of the floors that cover the message the one that lasts longest for it.
    package var floor: PolicyInForce?
    /// The floor lasts longer than the policy, and so decides.
    package var floorDecides: Bool
    package var holds: [Hold]
    /// The event by which the viewer who asks has hidden it.
    package var hidden: Position?

    package struct Hold: Hashable, Sendable {
        package var id: HoldID
        package var matter: String
        package var position: Position
    }
}

extension LogView {
    func explanation(of found: FoundMessage, within horizon: Horizon) -> Explanation {
        let policies = rules.policies
        let (period, from, entry) = policies.inForce(for: found.scope, within: horizon)
        let at = found.event.at
        let floor = policies.floors(for: found.scope, within: horizon).max { one, other in
            (one.period.end(from: at) ?? .distantFuture) < (other.period.end(from: at) ?? .distantFuture)
        }
        let policyEnd = period.end(from: at) ?? .distantFuture
        return Explanation(
            policy: PolicyInForce(period, from: from, by: entry),
            isLocked: entry?.isLocked ?? false,
            floor: floor.map { PolicyInForce($0.period, from: $0.scope, by: $0.entry) },
            floorDecides: floor.map { ($0.period.end(from: at) ?? .distantFuture) > policyEnd } ?? false,
            holds: holds(on: found, within: horizon).map {
                Explanation.Hold(id: $0.hold.id, matter: $0.hold.matter, position: $0.placed.position)
            })
    }
}

extension PolicyInForce {
    /// - Parameter change: nil when nobody ever decided.
    init(_ period: Period, from scope: Scope?, by change: PolicyBook.Entry?) {
        self.init(period: period, from: scope, position: change?.position, effectiveAt: change?.effectiveAt)
    }
}

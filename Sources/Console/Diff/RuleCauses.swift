import AnnalsClient
import Events

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
    /// The change that gave the word to another rule than before. It may be the rule itself, or have ended what stood before it.
    case change(Int, to: Decider)
    /// Nobody can tell any more.
    case unknown
}

/// Finds the changes of retention that ended one rule and began another, for the messages of one conversation.
///
/// Which rule decides is worked out by the daemon alone: a message is explained as of the moment before each change took effect, from the last
/// one back. Changes that were cancelled changed nothing, and so are passed by.
actor RuleCauses {
    private let tenant: String
    private let client: AnnalsClient
    /// Those between the two moments, the last one first.
    private let changes: [Change]
    private var known: [[Decider]: RuleCause] = [:]

    private struct Change {
        var position: Int
        var since: Int
        /// The last moment at which nothing was known of it: the position before, for one that took effect as it came in. Others may have come in
        /// the same millisecond.
        var before: Moment

        init?(_ event: RESPValue) {
            guard let position = event["position"]?.integer, let since = event["effective-at"]?.integer else { return nil }
            (self.position, self.since) = (position, since)
            before =
                since == LogMoment.time(of: event)
                ? .position(UInt64(clamping: position - 1)) : .time(Instant(milliseconds: Int64(since) - 1))
        }
    }

    init(
        _ tenant: String, _ conversation: String, from: LogMoment, to: LogMoment, _ client: AnnalsClient
    ) async throws(Trouble) {
        self.tenant = tenant
        self.client = client
        let scopes: [[Word]] = [["SYSTEM"], ["TENANT", .text(tenant)], ["TENANT", .text(tenant), "CONVERSATION", .text(conversation)]]
        var changes: [Change] = []
        for scope in scopes {
            for event in try await client.ask(["RETENTION.HISTORY"] + scope).array ?? [] {
                guard let change = Change(event), to.includes(change.position, since: change.since),
                    !from.includes(change.position, since: change.since)
                else { continue }
                changes.append(change)
            }
        }
        self.changes = changes.sorted { ($0.since, $0.position) > ($1.since, $1.position) }
    }

    /// - Parameters:
    ///   - before: what decided at the earlier moment.
    ///   - after: and at the later one.
    func cause(of id: String, before: Decider, after: Decider) async throws(Trouble) -> RuleCause {
        if before == after { return .time(under: after) }
        if let known = known[[before, after]] { return known }
        var cause = RuleCause.unknown
        for change in changes {
            let answer = try await client.ask([
                "MESSAGE.GET", .text(tenant), .text(id), "ASOF", .text(change.before.word), "EXPLAIN",
            ])
            // Not sent yet: what came before that change is no concern of its.
            if answer.isNull || Decider(answer["why"]) != after {
                cause = .change(change.position, to: after)
                break
            }
        }
        known[[before, after]] = cause
        return cause
    }
}

package import Events

/// Every hold that ever was: few, and kept in memory.
///
/// A name that is given again, which no daemon takes, means the later one.
package struct HoldBook: Sendable {
    package struct Entry: Hashable, Sendable {
        package var hold: HoldPlace
        package var placed: LogPlace
        package var released: LogPlace?
        package var principal: Principal

        package func stands(within horizon: Horizon) -> Bool {
            placed.isWithin(horizon) && !(released?.isWithin(horizon) ?? false)
        }
    }

    /// By position.
    private var entries: [Entry] = []
    /// Whether any hold ever named a conversation.
    package private(set) var namesConversations = false
    private var newest: [HoldID: Int] = [:]
    /// Of each tenant, and of the whole system: where a message's holds are looked for.
    private var ofTenant: [TenantID?: [Int]] = [:]

    package init() {}

    package var isEmpty: Bool { entries.isEmpty }

    /// Writes a hold down. Events come in order of position; one that is written down already changes nothing.
    package mutating func place(_ hold: HoldPlace, position: Position, at: Instant, principal: Principal) {
        if let last = entries.last, position <= last.placed.position { return }
        newest[hold.id] = entries.count
        ofTenant[hold.coverage.tenant, default: []].append(entries.count)
        if hold.coverage.conversation != nil { namesConversations = true }
        entries.append(Entry(hold: hold, placed: LogPlace(position: position, at: at), released: nil, principal: principal))
    }

    /// Writes down that a hold was lifted. The first time counts; a hold that nobody knows is none.
    package mutating func release(_ id: HoldID, position: Position, at: Instant) {
        guard let index = newest[id], entries[index].released == nil, position > entries[index].placed.position else { return }
        entries[index].released = LogPlace(position: position, at: at)
    }

    /// The hold that a name means.
    package func entry(_ id: HoldID) -> Entry? { newest[id].map { entries[$0] } }

    /// Those in force as of the horizon, by position.
    package func standing(within horizon: Horizon) -> [Entry] { entries.filter { $0.stands(within: horizon) } }

    /// Those known as of the horizon, by position. A release behind the horizon is left out.
    package func all(within horizon: Horizon) -> [Entry] {
        entries.filter { $0.placed.isWithin(horizon) }.map { entry in
            var entry = entry
            if let released = entry.released, !released.isWithin(horizon) { entry.released = nil }
            return entry
        }
    }

    /// The holds that keep a message, by position.
    package func holds(
        covering tenant: TenantID, _ conversation: ConversationID, _ sender: UserID, at: Instant, within horizon: Horizon
    ) -> [Entry] {
        if entries.isEmpty { return [] }
        let found = [tenant, nil].flatMap { ofTenant[$0] ?? [] }.filter { index in
            entries[index].stands(within: horizon) && entries[index].hold.coverage.covers(tenant, conversation, sender, at: at)
        }
        return found.sorted().map { entries[$0] }
    }

    /// Whether a hold stands that names the conversation.
    package func hasConversationHold(_ tenant: TenantID, _ conversation: ConversationID, within horizon: Horizon) -> Bool {
        (ofTenant[tenant] ?? []).contains { index in
            entries[index].hold.coverage.conversation == conversation && entries[index].stands(within: horizon)
        }
    }
}

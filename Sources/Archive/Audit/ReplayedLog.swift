package import Events
import LMDB
import Ledger
import Projections

/// What a replay built: the digest of it, and what each message was at its end.
package struct ReplayedLog: Sendable {
    package let position: Position
    /// Of the last event, as the server had it.
    package let time: Instant
    package let digest: [UInt8]
    private let store: Store
    private let rules: RuleBook

    init(_ options: ArchiveOptions, _ position: Position) throws(ArchiveFailure) {
        store = try Store(DataFolder(openingExisting: options), options)
        let progress = try store.progress()
        guard progress.position == position, let digest = try store.digest() else {
            throw .folder(path: options.path, reason: "was built up to \(progress.position), and not up to \(position)")
        }
        self.position = position
        self.digest = digest.bytes
        time = progress.recorded
        do { rules = try store.state.environment.read { [store] reader in try store.state.ruleBook(reader) } } catch {
            throw ArchiveFailure(error)
        }
    }

    /// A message at the moment that was replayed.
    package struct Message: Sendable {
        package var position: Position
        package var at: Instant
        package var tenant: TenantID
        package var conversation: ConversationID
        package var id: MessageID
        /// To whom has hidden nothing.
        package var state: MessageState
        package var isHeld: Bool
        /// Who hid it, whether or not he would still see it otherwise.
        package var hiders: Set<UserID>
        package var receipt: Position?
    }

    /// How many messages of a tenant were what.
    package struct Tally: Hashable, Sendable {
        package var messages = 0
        package var visible = 0
        /// Of the visible ones: hidden by somebody from himself.
        package var hidden = 0
        package var expired = 0
        package var held = 0
        package var purged = 0
    }

    /// By tenant.
    ///
    /// - Parameter moment: at which expiry is judged; nil: that of the last event.
    package func tallies(at moment: Instant? = nil) throws(ArchiveFailure) -> [TenantID: Tally] {
        var tallies: [TenantID: Tally] = [:]
        try forEachMessage(at: moment) { message in
            var tally = tallies[message.tenant] ?? Tally()
            tally.messages += 1
            switch message.state {
            case .visible, .hidden:
                tally.visible += 1
                if !message.hiders.isEmpty { tally.hidden += 1 }
            case .expired: tally.expired += 1
            case .purged: tally.purged += 1
            }
            if message.isHeld, message.state != .purged { tally.held += 1 }
            tallies[message.tenant] = tally
        }
        return tallies
    }

    /// Calls `body` with every message, by partition and position.
    package func forEachMessage(at moment: Instant? = nil, _ body: (Message) throws -> Void) throws(ArchiveFailure) {
        let horizon = Horizon(position: position, time: moment ?? time)
        var judgements: [Position: Judgement] = [:]
        do {
            for id in store.shelf.all {
                guard let lease = try store.shelf.lease(id) else { continue }
                var walk = TrailWalk(of: lease.partition)
                while let slice = try walk.next() {
                    for row in slice where row.fields.kind == .send {
                        let event = try row.event()
                        guard case .send(let send) = event.deed, let tenant = event.tenant else { continue }
                        try body(message(event, send, tenant, within: horizon, &judgements))
                    }
                }
            }
        } catch { throw ArchiveFailure(error) }
    }

    private func message(
        _ event: Event, _ send: Send, _ tenant: TenantID, within horizon: Horizon, _ judgements: inout [Position: Judgement]
    ) throws -> Message {
        let terms = rules.policies.terms(for: .conversation(tenant, send.conversation), within: horizon)
        let receipt = receipt(of: event, send, tenant, within: horizon, &judgements)
        let state = Visibility.state(at: event.at, under: terms, isHidden: false, asOf: horizon.time)
        let holds = rules.holds.holds(covering: tenant, send.conversation, send.sender, at: event.at, within: horizon)
        return Message(
            position: event.position, at: event.at, tenant: tenant, conversation: send.conversation, id: send.messageID,
            state: receipt == nil ? state : .purged, isHeld: !holds.isEmpty,
            hiders: try hiders(of: event.position, send.conversation, tenant, within: horizon), receipt: receipt)
    }

    private func receipt(
        of event: Event, _ send: Send, _ tenant: TenantID, within horizon: Horizon, _ judgements: inout [Position: Judgement]
    ) -> Position? {
        for settled in rules.purges.receipts(of: store.partition(of: event.at).number, tenant: tenant)
        where horizon.includes(settled.receipt, at: settled.receiptAt) {
            let judgement = judgements[settled.receipt] ?? Judgement(rules, of: settled)
            judgements[settled.receipt] = judgement
            let fate = judgement.fate(tenant, send.conversation, send.sender, at: event.at, position: event.position)
            if fate == .due { return settled.receipt }
        }
        return nil
    }

    private func hiders(
        of position: Position, _ conversation: ConversationID, _ tenant: TenantID, within horizon: Horizon
    ) throws -> Set<UserID> {
        let deletes = store.state.deletes
        return try store.state.environment.read { reader in
            let one = try deletes.hiders(of: position, reader).filter { horizon.includes($0.cause.position, at: $0.cause.at) }
            let all = try deletes.clearers(tenant, conversation, reader).filter { _, clear in
                clear.upTo >= position && horizon.includes(clear.cause.position, at: clear.cause.at)
            }
            return Set(one.map(\.viewer) + all.map(\.viewer))
        }
    }
}

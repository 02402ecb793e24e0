package import Events
import LMDB
import Ledger
import Projections

extension Archive {
    /// A message's state, for a viewer or for nobody in particular; nil if it is unknown. Its body is there only while it is visible.
    package func message(_ question: MessageQuestion) throws(ArchiveFailure) -> Result<Message?, Refusal> {
        let view = LogView(core)
        switch try view.horizon(question.asOf) {
        case .failure(let refusal): return .failure(refusal)
        case .success(let horizon):
            guard let found = try view.find(question.id, of: question.tenant, within: horizon) else { return .success(nil) }
            let hidden = try question.viewer.flatMap { (viewer) throws(ArchiveFailure) in
                try Hiding(of: found.send.conversation, in: found.tenant, by: viewer, within: horizon, view)
                    .cause(of: found.event.position)
            }
            let seen = try view.seen(
                found, isHidden: hidden != nil, within: horizon, terms: view.terms(of: found, within: horizon),
                isAsOf: question.asOf != .now)
            guard var message = seen else { return .failure(.shredding) }
            if question.asOf != .now, !question.hasPastBodies {
                let present = try Present(of: message.conversation, in: message.tenant, for: question.viewer, view)
                if try !present.shows(message) { message.body = nil }
            }
            if question.isExplained {
                message.why = view.explanation(of: found, within: horizon)
                message.why?.hidden = hidden
            }
            return .success(message)
        }
    }

    /// A message with its body wherever that still exists, and every event that touched it; nil if it is unknown.
    ///
    /// Whoever is shown it must be in the log first: with the `access` that it makes.
    package func history(tenant: TenantID, id: MessageID) throws(ArchiveFailure) -> MessageHistory? {
        let view = LogView(core)
        let horizon = Horizon(position: view.tail.end, time: view.now)
        guard let found = try view.find(id, of: tenant, within: horizon) else { return nil }
        let message = try view.whole(found, within: horizon)
        var positions: Set<Position> = [found.event.position]
        try positions.formUnion(view.deletes(touching: found))
        positions.formUnion(view.ruleChanges(touching: found))
        if let receipt = message.receipt { try positions.formUnion(view.purge(receipt)) }
        var events: [Event] = []
        for position in positions.sorted().prefix(Self.historyMax) {
            if let event = try view.event(at: position) { events.append(event.narrowed(to: found.event.position)) }
        }
        // They take what room is left: nobody can push a purge out of sight by reading often.
        events += try view.readings(of: found, atMost: Self.historyMax - events.count)
        return MessageHistory(message: message, events: events.sorted { $0.position < $1.position })
    }
}

extension Archive {
    /// So many events of a message are told, the first ones.
    private static let historyMax = 5_000
}

extension Event {
    /// A local delete of many messages, as far as it concerns one of them.
    fileprivate func narrowed(to message: Position) -> Event {
        guard case .localDelete(var deletion) = deed, case .messages(let targets) = deletion.extent else { return self }
        deletion.extent = .messages(targets.filter { $0.position == message })
        var event = self
        event.deed = .localDelete(deletion)
        return event
    }
}

extension LogView {
    /// The latest message of an id by (at, position), within the horizon. (Two of one id may lie further apart than the idempotence
    /// window.)
    func find(_ id: MessageID, of tenant: TenantID, within horizon: Horizon) throws(ArchiveFailure) -> FoundMessage? {
        let fingerprint = store.fingerprints.of(id, in: tenant)
        var unfolded: [Position] = []
        tail.forEach(message: fingerprint.rawValue) { batch, index in unfolded.append(batch.position(at: index)) }
        var found = try latest(of: unfolded, than: nil, id, tenant, horizon)
        var unread: ArchiveFailure?
        try store.forEachPartition(of: fingerprint) { (partition) throws(ArchiveFailure) in
            // What was found in a later partition is later than anything in this one.
            if let found, store.partition(of: found.event.at) > partition { return false }
            do throws(ArchiveFailure) {
                found = try latest(of: store.positions(of: fingerprint, in: partition), than: found, id, tenant, horizon)
            } catch {
                store.note(error)
                guard store.shelf.damage(of: partition) != nil else { throw error }
                unread = error
            }
            return true
        }
        // What is put aside keeps nobody from a message elsewhere; but what is nowhere else may be in it.
        if found == nil, let unread { throw unread }
        return found
    }

    private func latest(
        of positions: [Position], than known: FoundMessage?, _ id: MessageID, _ tenant: TenantID, _ horizon: Horizon
    ) throws(ArchiveFailure) -> FoundMessage? {
        var latest = known
        for position in positions {
            guard let message = try message(at: position), message.tenant == tenant, message.send.messageID == id,
                horizon.includes(position, at: message.event.at)
            else { continue }
            if latest.map({ ($0.event.at, $0.event.position) < (message.event.at, position) }) ?? true { latest = message }
        }
        return latest
    }

    /// Local deletes and cleared histories, of anyone, that cover a message.
    fileprivate func deletes(touching message: FoundMessage) throws(ArchiveFailure) -> [Position] {
        let position = message.event.position
        let conversation = message.send.conversation
        var found = try unfoldedDeletes(in: conversation, of: message.tenant).filter { event in
            guard case .localDelete(let deletion) = event.deed else { return false }
            switch deletion.extent {
            case .messages(let targets): return targets.contains { $0.position == position }
            case .upTo(let end): return end >= position
            }
        }.map(\.position)
        do {
            found += try store.state.environment.read { reader in
                let clears = try store.state.deletes.clears(message.tenant, conversation, reader)
                return try store.state.deletes.hides(of: position, reader)
                    + clears.filter { $0.upTo >= position }.map(\.cause.position)
            }
        } catch { throw ArchiveFailure(error) }
        return found.filter { $0 <= tail.end }
    }

    /// The policies and floors under which a message was and is kept (of each scope those in force when it was sent, and all since,
    /// with what cancelled them), and the holds on it, with their releases.
    fileprivate func ruleChanges(touching message: FoundMessage) -> [Position] {
        let sent = Horizon(position: .last, time: message.event.at)
        let policies = message.scope.widening.flatMap { scope in
            let atSending = [RetentionTarget.policy, .floor].compactMap {
                rules.policies.rule(of: scope, target: $0, within: sent)?.position
            }
            return rules.policies.history(of: scope).filter { change in
                change.effectiveAt > message.event.at || atSending.contains(change.position)
            }.flatMap(\.positions)
        }
        let holds = rules.holds.all(within: Horizon(position: tail.end, time: .distantFuture)).filter { entry in
            entry.hold.coverage.covers(message.tenant, message.send.conversation, message.send.sender, at: message.event.at)
        }.flatMap { [$0.placed.position] + ($0.released.map { [$0.position] } ?? []) }
        return (policies + holds).filter { $0 <= tail.end }
    }

    /// A receipt and its intent.
    fileprivate func purge(_ receipt: Position) throws(ArchiveFailure) -> [Position] {
        guard let event = try event(at: receipt), case .purge(let purge) = event.deed else { return [] }
        return [purge.intent, receipt].filter { $0 <= tail.end }
    }
}

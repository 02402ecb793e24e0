import Events
import LMDB
import Ledger
import Projections
import Synchronization
import Vault

/// A message as somebody may see it: its state within a horizon.
extension LogView {
    func terms(of message: FoundMessage, within horizon: Horizon) -> Terms {
        rules.policies.terms(for: message.scope, within: horizon)
    }

    /// The message's state for somebody who may have hidden it. Its body is there only while it is visible.
    ///
    /// Nil for the blink between the destruction of a key and its receipt: the body is gone, and nothing tells yet which receipt it was.
    func seen(
        _ found: FoundMessage, isHidden: Bool, within horizon: Horizon, terms: Terms, isAsOf: Bool
    ) throws(ArchiveFailure) -> Message? {
        var message = card(of: found, within: horizon, terms: terms)
        message.state = Visibility.state(at: found.event.at, under: terms, isHidden: isHidden, asOf: horizon.time)
        if let body = found.body {
            if message.state == .visible { message.body = body }
            return message
        }
        switch try destruction(of: found) {
        case .receipt(let position, let at):
            let isKnown = horizon.includes(position, at: at)
            // As of then it was something else, and its body is destroyed since: only who would have read that body is told.
            guard isKnown || message.state == .visible else { return message }
            guard isKnown || isAsOf else { return nil }
            message.wasVisible = !isKnown
            message.receipt = position
        case .underWay: if message.state == .visible { return nil } else { return message }
        case .elsewhere: break
        }
        message.state = .purged
        return message
    }

    /// The message with its body wherever that still exists, for an auditor.
    func whole(_ found: FoundMessage, within horizon: Horizon) throws(ArchiveFailure) -> Message {
        let terms = terms(of: found, within: horizon)
        var message = card(of: found, within: horizon, terms: terms)
        message.state = Visibility.state(at: found.event.at, under: terms, isHidden: false, asOf: horizon.time)
        message.body = found.body
        if found.body != nil { return message }
        if case .receipt(let position, let at) = try destruction(of: found) {
            message.receipt = position
            // As of then it was hidden from all, and is told so, as a viewer is.
            if message.state != .visible, !horizon.includes(position, at: at) { return message }
        }
        message.state = .purged
        return message
    }

    private func card(of found: FoundMessage, within horizon: Horizon, terms: Terms) -> Message {
        let send = found.send
        let isHeld = !rules.holds.isEmpty && !holds(on: found, within: horizon).isEmpty
        return Message(
            position: found.event.position, at: found.event.at, tenant: found.tenant, conversation: send.conversation,
            sender: send.sender, id: send.messageID, contentType: send.contentType, state: .visible, body: nil,
            expires: terms.end(from: found.event.at), isHeld: isHeld)
    }

    func holds(on found: FoundMessage, within horizon: Horizon) -> [HoldBook.Entry] {
        rules.holds.holds(
            covering: found.tenant, found.send.conversation, found.send.sender, at: found.event.at, within: horizon)
    }

    /// How a message's body came to be gone.
    private enum Destruction {
        case receipt(Position, at: Instant)
        /// Its key is destroyed, and the receipt is on its way.
        case underWay
        /// The key was destroyed after this log was copied: a restored log does not know of purges that came later, the keyring does.
        case elsewhere
    }

    private func destruction(of found: FoundMessage) throws(ArchiveFailure) -> Destruction {
        // The key may have been destroyed after the view was taken: then only today's rules know of it.
        let today = core.rules.withLock { $0 }
        let partition = store.partition(of: found.event.at).number
        for settled in today.purges.receipts(of: partition, tenant: found.tenant) {
            let fate = Judgement(today, of: settled).fate(
                found.tenant, found.send.conversation, found.send.sender, at: found.event.at, position: found.event.position)
            if fate == .due { return .receipt(settled.receipt, at: settled.receiptAt) }
        }
        let isUnderWay = today.purges.open.contains { open in
            open.intent.lines.contains { $0.partition == partition && $0.tenant == found.tenant }
        }
        if isUnderWay { return .underWay }
        if let key = found.lostKey, try store.hasBodies(under: key, in: PartitionID(partition)) { return .elsewhere }
        throw store.damaged(
            "the body at \(found.event.position)", of: found.event.position, .malformed("body, which is gone without a receipt"))
    }
}

extension Store {
    /// Whether a partition counts bodies under a key. One that it does not count is no key of its bodies, but damage.
    fileprivate func hasBodies(under key: KeyID, in id: PartitionID) throws(ArchiveFailure) -> Bool {
        do {
            guard let lease = try shelf.lease(id, asFarAsItGoes: true) else { return false }
            let environment = lease.partition.environment
            return try environment.read { reader in try PartitionIndex(in: environment).holdingKeys(reader).contains(key.rawValue) }
        } catch { throw ArchiveFailure(error) }
    }
}

/// What a viewer may read of a conversation today. What he saw of it once, and cannot see any more, is for auditors alone, who
/// say why and are recorded.
struct Present {
    private let terms: Terms
    private let time: Instant
    private let hiding: Hiding?

    init(of conversation: ConversationID, in tenant: TenantID, for viewer: UserID?, _ view: LogView) throws(ArchiveFailure) {
        let today = Horizon(position: view.tail.end, time: view.now)
        terms = view.rules.policies.terms(for: .conversation(tenant, conversation), within: today)
        time = today.time
        hiding = try viewer.map { (viewer) throws(ArchiveFailure) in
            try Hiding(of: conversation, in: tenant, by: viewer, within: today, view)
        }
    }

    func shows(_ message: Message) throws(ArchiveFailure) -> Bool {
        if Visibility.isExpired(at: message.at, under: terms, asOf: time) { return false }
        return try !(hiding?.hides(message.position) ?? false)
    }
}

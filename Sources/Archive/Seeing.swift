import Events
import LMDB
import Ledger
import Projections
import Synchronization

/// A message as somebody may see it: its state within a horizon.
extension LogView {
    func terms(of message: FoundMessage, within horizon: Horizon) -> Terms {
        rules.policies.terms(for: message.scope, within: horizon)
    }

    /// The message's state for somebody who may have hidden it. Its body is there only while it is visible.
    ///
    /// Nil for the blink between the destruction of a key and its receipt: the body is gone, and nothing tells yet which receipt it was.
    func seen(_ found: FoundMessage, isHidden: Bool, within horizon: Horizon, terms: Terms, isAsOf: Bool) throws(ArchiveFailure) -> Message?
    {
        var message = card(of: found, within: horizon, terms: terms)
        let receipt = try found.body == nil ? receipt(of: found) : nil
        if let receipt, horizon.includes(receipt.position, at: receipt.at) {
            message.state = .purged
            message.receipt = receipt.position
            return message
        }
        message.state = Visibility.state(at: found.event.at, under: terms, isHidden: isHidden, asOf: horizon.time)
        guard message.state == .visible else { return message }
        if let body = found.body {
            message.body = body
            return message
        }
        // As of then it was visible, and would be today, had it not been destroyed since.
        guard isAsOf, let receipt else { return nil }
        message.state = .purged
        message.receipt = receipt.position
        message.wasVisible = true
        return message
    }

    /// The message with its body wherever that still exists, for an auditor.
    func whole(_ found: FoundMessage, within horizon: Horizon) throws(ArchiveFailure) -> Message {
        let terms = terms(of: found, within: horizon)
        var message = card(of: found, within: horizon, terms: terms)
        message.state = Visibility.state(at: found.event.at, under: terms, isHidden: false, asOf: horizon.time)
        message.body = found.body
        if found.body == nil {
            message.receipt = try receipt(of: found)?.position
            message.state = .purged
        }
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

    /// The purge that destroyed a message's body; nil for the blink in which it has no receipt yet.
    func receipt(of found: FoundMessage) throws(ArchiveFailure) -> (position: Position, at: Instant)? {
        // The key may have been destroyed after the view was taken: then only today's rules know of it.
        let today = core.rules.withLock { $0 }
        let partition = store.partition(of: found.event.at).number
        for settled in today.purges.receipts(of: partition, tenant: found.tenant) {
            let fate = Judgement(today, of: settled).fate(
                found.tenant, found.send.conversation, found.send.sender, at: found.event.at, position: found.event.position)
            if fate == .due { return (settled.receipt, settled.receiptAt) }
        }
        let isUnderWay = today.purges.open.contains { open in
            open.intent.lines.contains { $0.partition == partition && $0.tenant == found.tenant }
        }
        if isUnderWay { return nil }
        throw .damaged(place: "the body at \(found.event.position)", .malformed("body, which is gone without a receipt"))
    }
}

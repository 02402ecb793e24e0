package import Events
import LMDB
import Ledger
import Projections
import Vault

/// What a retention change would do, asked before it is made.
package struct PreviewQuestion: Hashable, Sendable {
    package var scope: Scope
    /// Made together, such as a preset's floor and policy.
    package var changes: [RetentionDraft.Change]

    package init(scope: Scope, changes: [RetentionDraft.Change]) {
        self.scope = scope
        self.changes = changes
    }
}

package struct Preview: Hashable, Sendable {
    package var shortens: Bool
    /// When all of it is in force.
    package var effectiveAt: Instant
    /// What expires when the change takes effect, and would not without it.
    package var expiring = Count()
    /// Messages of those that a hold keeps.
    package var expiringHeld: UInt64 = 0
    /// What is not expired then, and expires later than without it.
    package var kept = Count()
    /// Of the messages that were looked at, so many by their share of time, and not one by one.
    package var estimated: UInt64 = 0
    package var position: Position

    package struct Count: Hashable, Sendable {
        package var messages: UInt64 = 0
        package var conversations: UInt64 = 0
        package var bytes: UInt64 = 0
    }
}

extension Archive {
    /// Counted from what partitions count of each key, conversation and sender. Where the edge of what expires goes through such a count,
    /// messages are looked at one by one, as far as that takes less than a second; of the others it is taken that they came evenly.
    package func preview(_ question: PreviewQuestion) throws(ArchiveFailure) -> Result<Preview, Refusal> {
        foldBeforeCounting()
        let view = LogView(core)
        var after = view.rules.policies
        var preview = Preview(shortens: false, effectiveAt: .distantPast, position: view.tail.end)
        var position = view.tail.end
        for change in question.changes {
            let decision = RetentionDecision(
                scope: question.scope, change: change, reason: "preview", at: view.now, recorded: view.now,
                coolOffMilliseconds: core.options.coolOffMilliseconds)
            switch decision.make(under: after) {
            case .failure(let refusal): return .failure(refusal)
            case .success(let change):
                preview.shortens = preview.shortens || decision.shortens(under: after)
                preview.effectiveAt = max(preview.effectiveAt, change.effectiveAt)
                position = position.next
                after.record(change, position: position, at: view.now)
            }
        }
        var count = PreviewCount(view, question.scope, after, preview)
        for id in core.store.shelf.all { try count.add(id) }
        return .success(count.finished)
    }
}

/// A preview in the making.
private struct PreviewCount {
    private let view: LogView
    private let scope: Scope
    private let after: PolicyBook
    private let horizon: Horizon
    private let holds: [Coverage]
    private var preview: Preview
    private var expiring: Set<Scope> = []
    private var kept: Set<Scope> = []
    /// How many bodies may still be looked at.
    private var looksLeft: UInt64

    init(_ view: LogView, _ scope: Scope, _ after: PolicyBook, _ preview: Preview) {
        self.view = view
        self.preview = preview
        self.scope = scope
        self.after = after
        looksLeft = view.core.options.purge.previewBodiesMax
        horizon = Horizon(position: .last, time: preview.effectiveAt)
        holds = view.rules.holds.standing(within: Horizon(position: view.tail.end, time: view.now)).map(\.hold.coverage)
    }

    var finished: Preview {
        var finished = preview
        finished.expiring.conversations = UInt64(expiring.count)
        finished.kept.conversations = UInt64(kept.count)
        return finished
    }

    mutating func add(_ id: PartitionID) throws(ArchiveFailure) {
        do {
            guard let lease = try view.store.shelf.lease(id) else { return }
            let environment = lease.partition.environment
            var mixed: [PartitionSurvey.Row: Mixed] = [:]
            var bodies: UInt64 = 0
            try environment.read { reader in
                var living = LivingKeys(view.core.vault)
                try PartitionIndex(in: environment).holdingsAtEase(reader) { holding in
                    guard covers(holding.tenant, holding.conversation), living.contains(holding.key) else { return }
                    let sight = sight(of: holding)
                    let row = PartitionSurvey.Row(
                        key: KeyID(holding.key), tenant: holding.tenant, conversation: holding.conversation, sender: holding.sender)
                    if let effect = sight.effect(in: holding.stretch) {
                        add(effect, row, messages: holding.messages, bytes: holding.bytes)
                    } else {
                        mixed[row] = Mixed(sight: sight, holding: holding)
                    }
                }
                bodies = UInt64(try reader.count(of: lease.partition.bodies))
            }
            if mixed.isEmpty { return }
            if bodies > looksLeft { return estimate(mixed) }
            looksLeft -= bodies
            try look(at: lease.partition, mixed)
        } catch { throw ArchiveFailure(error) }
    }

    /// Messages of which the change does one thing to some, and another to others.
    private struct Mixed {
        let sight: Sight
        let messages: UInt64
        let bytes: UInt64
        let stretch: Stretch

        init(sight: Sight, holding: PartitionIndex.Holding) {
            self.sight = sight
            (messages, bytes, stretch) = (holding.messages, holding.bytes, holding.stretch)
        }
    }

    private mutating func look(at partition: Partition, _ mixed: [PartitionSurvey.Row: Mixed]) throws {
        var walk = BodyWalk(of: partition)
        while let slice = try walk.next() {
            for sealed in slice {
                let row = PartitionSurvey.Row(
                    key: sealed.key, tenant: sealed.tenant, conversation: sealed.send.conversation, sender: sealed.send.sender)
                guard let sight = mixed[row]?.sight else { continue }
                add(sight.effect(at: sealed.at), row, messages: 1, bytes: UInt64(sealed.send.bodyBytes))
            }
        }
    }

    /// As if the messages of each row had come evenly from its first to its last one.
    private mutating func estimate(_ mixed: [PartitionSurvey.Row: Mixed]) {
        for (row, one) in mixed {
            let (first, length) = (one.stretch.first, one.stretch.last.milliseconds - one.stretch.first.milliseconds)
            // Each part has a message at least.
            let parts = min(Self.partsMax, one.messages)
            func share(_ whole: UInt64, _ part: UInt64) -> UInt64 { whole * (part + 1) / parts - whole * part / parts }
            for part in 0..<parts {
                let at = first.advanced(byMilliseconds: length * Int64(2 * part + 1) / Int64(2 * parts))
                add(one.sight.effect(at: at), row, messages: share(one.messages, part), bytes: share(one.bytes, part))
            }
            preview.estimated += one.messages
        }
    }

    /// Into so many a row's time is parted at the most.
    private static let partsMax: UInt64 = 64

    private func covers(_ tenant: TenantID, _ conversation: ConversationID) -> Bool {
        switch scope {
        case .system: true
        case .tenant(let name): name == tenant
        case .conversation(let name, let its): name == tenant && its == conversation
        }
    }

    private func sight(of holding: PartitionIndex.Holding) -> Sight {
        let scope = Scope.conversation(holding.tenant, holding.conversation)
        return Sight(
            before: view.rules.policies.terms(for: scope, within: horizon), after: after.terms(for: scope, within: horizon),
            time: horizon.time, holds: holds.filter { $0.namesCover(holding.tenant, holding.conversation, holding.sender) })
    }

    private mutating func add(_ effect: Sight.Effect, _ row: PartitionSurvey.Row, messages: UInt64, bytes: UInt64) {
        let conversation = Scope.conversation(row.tenant, row.conversation)
        switch effect {
        case .none: break
        case .keeps:
            preview.kept.messages += messages
            preview.kept.bytes += bytes
            kept.insert(conversation)
        case .expires(let isHeld):
            if isHeld { return preview.expiringHeld += messages }
            preview.expiring.messages += messages
            preview.expiring.bytes += bytes
            expiring.insert(conversation)
        }
    }
}

/// What a change does to messages of one sender in one conversation, by their time.
private struct Sight {
    let before: Terms
    let after: Terms
    let time: Instant
    let holds: [Coverage]

    enum Effect: Hashable {
        case none
        case expires(isHeld: Bool)
        case keeps
    }

    func effect(at: Instant) -> Effect {
        let isExpiredAfter = Visibility.isExpired(at: at, under: after, asOf: time)
        if isExpiredAfter {
            if Visibility.isExpired(at: at, under: before, asOf: time) { return .none }
            return .expires(isHeld: holds.contains { $0.coversTime(at) })
        }
        return (after.end(from: at) ?? .distantFuture) > (before.end(from: at) ?? .distantFuture) ? .keeps : .none
    }

    /// What it does to all messages of a stretch, or nil if it may do several things: looked at like a `Bench`'s one fate.
    func effect(in stretch: Stretch) -> Effect? {
        if holds.flatMap({ [$0.from, $0.until] }).contains(where: { $0.map(stretch.isCut) ?? false }) { return nil }
        let first = effect(at: stretch.first)
        return stretch.days.allSatisfy { effect(at: $0.first) == first && effect(at: $0.last) == first } ? first : nil
    }
}

extension Coverage {
    fileprivate func coversTime(_ at: Instant) -> Bool { (from.map { $0 <= at } ?? true) && (until.map { at < $0 } ?? true) }
}

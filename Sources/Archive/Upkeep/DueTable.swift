import Events
import LMDB
import Ledger
import Projections
import Synchronization
import Vault

/// When something of each partition is due first. Kept from one look to the next, and worked out again only for partitions that were
/// written to, and for all of them when the rules are others.
struct DueTable {
    private var entries: [PartitionID: Entry] = [:]
    private var rules = Position.none
    /// A change of the rules takes effect then, without any event.
    private var nextEffective = Instant.distantPast
    /// When the last look was. A clock that was ahead and is set right has passed over changes that are still to come.
    private var lastLook = Instant.distantPast

    private struct Entry {
        var change: UInt64
        /// When the first message expired, or will, that no hold keeps.
        var due: Instant?
        /// When it must be purged at the latest; later than that is too late.
        var deadline: Instant?
    }

    /// When the first message that no hold keeps expired, or will.
    var oldestDue: Instant? { entries.values.compactMap(\.due).min() }

    /// Whether something has waited too long.
    func isLate(at now: Instant) -> Bool { entries.values.contains { $0.deadline.map { $0 <= now } ?? false } }

    /// Partitions of which something is due, oldest first.
    func due(at now: Instant) -> [PartitionID] {
        entries.filter { $0.value.due.map { $0 <= now } ?? false }.map(\.key).sorted()
    }

    /// A plan has looked at every message: what it left is due then, and must be gone then.
    mutating func note(_ rest: [PartitionID: PartitionSurvey.Rest]) {
        for (id, rest) in rest {
            entries[id]?.due = rest.due
            entries[id]?.deadline = rest.deadline
        }
    }

    /// Returns the partitions that were looked at, because they were written to.
    mutating func refresh(_ core: Core) throws(ArchiveFailure) -> Set<PartitionID> {
        let book = core.rules.withLock { $0 }
        let now = core.now
        if book.last != rules || now >= nextEffective || now < lastLook {
            entries = [:]
            rules = book.last
            nextEffective = book.policies.nextEffective(after: now) ?? .distantFuture
        }
        lastLook = now
        let judgement = Judgement(book, coverage: .everything, basis: .expired, horizon: Horizon(position: .last, time: now))
        let all = core.store.shelf.all
        var looked: Set<PartitionID> = []
        try core.store.forEachWhole(all) { (id) throws(ArchiveFailure) in if try refresh(id, judgement, core) { looked.insert(id) } }
        for (id, _) in core.store.shelf.damaged { entries[id] = nil }
        if entries.count > all.count {
            let known = Set(all)
            entries = entries.filter { known.contains($0.key) }
        }
        return looked
    }

    private mutating func refresh(_ id: PartitionID, _ judgement: Judgement, _ core: Core) throws(ArchiveFailure) -> Bool {
        do {
            // Looked at before the content, so that what is written in between is seen the next time.
            let change = core.store.shelf.lastChange(of: id)
            if let entry = entries[id], entry.change == change { return false }
            guard let lease = try core.store.shelf.lease(id) else { return false }
            let environment = lease.partition.environment
            var due: Instant?
            try environment.read { reader in
                var living = LivingKeys(core.vault)
                try PartitionIndex(in: environment).holdingsAtEase(reader) { holding in
                    guard living.contains(holding.key) else { return }
                    let bench = judgement.bench(holding.tenant, holding.conversation, holding.sender)
                    guard let end = bench.due(holding) else { return }
                    due = min(due ?? end, end)
                }
            }
            let deadline = due?.advanced(byMilliseconds: core.options.purge.lagMilliseconds)
            entries[id] = Entry(change: change, due: due, deadline: deadline)
            return true
        } catch { throw ArchiveFailure(error) }
    }
}

extension Bench {
    /// Before this no message of a row is due that no hold keeps; nil for never, or as long as the holds stand. Where a month presses
    /// days together it may be too early by less than a day; a plan tells it to the millisecond.
    fileprivate func due(_ holding: PartitionIndex.Holding) -> Instant? {
        areHeld(from: holding.first, through: holding.last) ? nil : terms.earliestEnd(in: holding.stretch)
    }

    /// Whether the holds cover all of a stretch, one of them or several together.
    private func areHeld(from first: Instant, through last: Instant) -> Bool {
        var place = first
        while place <= last {
            let ends = holds.filter { hold in hold.from.map { $0 <= place } ?? true }.map { $0.until ?? .distantFuture }
            guard let end = ends.max(), end > place else { return false }
            place = end
        }
        return true
    }
}

import Events
import LMDB
import Ledger
import Projections
import Synchronization

/// Takes a partition out of the log whose trail has reached the end of its retention: whole, but for its tombstone.
///
/// Tombstone as a synced draft → `partition-remove` in the log → the tombstone gets its place → the state forgets → the file goes. Each
/// step may run twice; what a crash cuts short behind the event, the next start goes on with. While one is under way nothing comes into
/// that partition.
struct PartitionRemoval {
    let core: Core
    let id: PartitionID

    /// Whether nothing in the partition is to be kept any more, as of a moment at which its trail is over.
    func isDue(at now: Instant, _ period: Period) throws(ArchiveFailure) -> Bool {
        let end = core.store.shelf.length.end(of: id)
        guard let over = period.end(from: end.advanced(byMilliseconds: -1)), over <= now else { return false }
        guard core.rules.withLock({ $0.purges.open.isEmpty }) else { return false }
        do {
            guard let lease = try core.store.shelf.lease(id) else { return false }
            return try lease.partition.totalsWithoutBodies() != nil
        } catch { throw ArchiveFailure(error) }
    }

    /// Writes the tombstone's draft and says what the log's event is to say. Nil when there is no such partition, or it holds a body.
    ///
    /// One snapshot says that there is no body and which event is the last. A body that comes later is a later event's, so if that is still
    /// the last one when the event is written, there is still no body.
    func draft(_ period: Period) throws(ArchiveFailure) -> PartitionRemove? {
        let store = core.store
        do {
            guard let lease = try store.shelf.lease(id) else { return nil }
            let partition = lease.partition
            guard let totals = try partition.totalsWithoutBodies(), try store.progress().position >= totals.last else { return nil }
            var draft = try TombstoneDraft(of: id, at: store.tombstones.draft(of: id))
            if let old = store.tombstones[id] { try draft.extend(old, store.tombstones.file(of: id)) }
            var remnants = Remnants(of: id, through: totals.last, in: store)
            var walk = TrailWalk(of: partition, through: totals.last)
            while let slice = try walk.next() {
                for row in slice {
                    let isKept = try remnants.isKept(row)
                    try row.record.withUnsafeBytes { bytes in try draft.add(row.position, bytes, isKept: isKept) }
                }
            }
            let stone = try draft.finish(totals)
            // A draft that could not be raised would be noticed behind the event, which cannot be taken back.
            guard try store.tombstones.draft(of: id).find(id) == stone else {
                throw ArchiveFailure.damaged(place: partition.environment.path, .malformed("trail, which is not what its totals say"))
            }
            try DurableFile.syncFolder(of: store.tombstones.draft(of: id).path)
            core.options.reached(.removalDrafted)
            return PartitionRemove(
                partition: id.number, period: period, first: stone.totals.first, last: stone.totals.last, events: stone.totals.events,
                messages: stone.totals.messages, digest: stone.digest)
        } catch { throw ArchiveFailure(error) }
    }

    /// What follows the event, as far as it is still to be done.
    func finish(_ removal: PartitionRemove) throws(ArchiveFailure) {
        let store = core.store
        do {
            if store.tombstones[id]?.digest != removal.digest { try raise(removal) }
            core.options.reached(.removalRaised)
            guard let stone = store.tombstones[id] else { preconditionFailure("because it was raised just now") }
            let forgotten = try store.state.environment.read { reader in try store.state.removed(id.number, reader) }
            if forgotten != removal.digest {
                let departure = try Farewell(core, stone).departure()
                try store.state.environment.write { transaction in
                    try store.state.forget(departure, &transaction)
                    try store.filters.forget(id.number, &transaction)
                }
            }
            core.options.reached(.removalForgotten)
            // Read back as it lies there now: behind the removal nothing else has those hashes.
            try store.tombstones.file(of: id).check(stone)
            _ = try store.shelf.remove(id) { (partition) throws(LedgerFailure) in try partition.isMeant(by: stone) }
        } catch { throw ArchiveFailure(error) }
    }

    private func raise(_ removal: PartitionRemove) throws {
        let tombstones = core.store.tombstones
        if try tombstones.raise(id, digest: removal.digest) { return }
        // The draft is lost. As long as the partition is there it can be made again, and says the same: since the event nothing came into
        // the partition, and what stays of it hangs on nothing that comes later.
        guard try draft(removal.period)?.digest == removal.digest, try tombstones.raise(id, digest: removal.digest) else {
            throw LedgerFailure.folder(
                path: tombstones.draft(of: id).path,
                reason: "is not the tombstone that the log names, and its partition does not make it again; restore it from a backup")
        }
    }

    /// Whether the file is the one that the stone stands for.
    private func isThere(_ stone: Tombstone) throws -> Bool {
        guard let lease = try core.store.shelf.lease(id) else { return false }
        let totals = try lease.partition.environment.read { reader in try lease.partition.totals(reader) }
        return totals.map { stone.covers($0) } ?? false
    }

    /// Whether a removal that the log knows was cut short.
    func isUnfinished(_ removal: PartitionRemove) throws(ArchiveFailure) -> Bool {
        let store = core.store
        guard let stone = store.tombstones[id], stone.digest == removal.digest else { return true }
        do {
            let forgotten = try store.state.environment.read { reader in try store.state.removed(id.number, reader) }
            return try forgotten != removal.digest || isThere(stone)
        } catch { throw ArchiveFailure(error) }
    }
}

extension Partition {
    /// Nil before the first fold, and while there is a body.
    fileprivate func totalsWithoutBodies() throws(LedgerFailure) -> PartitionTotals? {
        let (totals, bodies) = try totalsAndBodies()
        return bodies == 0 ? totals : nil
    }

    /// Whether this is the file that a stone stands for, and not one that came after it. Throws if more is in it than the stone knows of.
    fileprivate func isMeant(by stone: Tombstone) throws(LedgerFailure) -> Bool {
        let (totals, bodies) = try totalsAndBodies()
        guard let totals, stone.covers(totals) else { return false }
        guard totals.last == stone.totals.last, bodies == 0 else {
            throw .folder(
                path: environment.path,
                reason: "stays, since it has events or bodies that its tombstone does not know; keep a copy of it, and report this")
        }
        return true
    }
}

extension Core {
    /// Finds the removal that the last stop cut short, before anybody is served: from here on nothing comes into that partition. Drafts of
    /// which the log knows nothing are removed.
    func settleRemoval() throws(ArchiveFailure) {
        let unfinished = try unfinishedRemoval().map { PartitionID($0.partition) }
        removing.withLock { $0 = unfinished }
        do { try store.tombstones.removeDrafts(but: unfinished) } catch { throw .ledger(error) }
    }

    /// There is one at the most, since they come one after the other.
    private func unfinishedRemoval() throws(ArchiveFailure) -> PartitionRemove? {
        for removal in rules.withLock({ $0.removals.values }) {
            if try PartitionRemoval(core: self, id: PartitionID(removal.partition)).isUnfinished(removal) { return removal }
        }
        return nil
    }
}

import Events
import Ledger
import Projections
import Synchronization

extension Upkeep {
    /// Removes a partition if its trail is over and it holds nothing; says whether it did.
    func removeIfDue(_ id: PartitionID, at now: Instant) throws(ArchiveFailure) -> Bool {
        let period = core.options.purge.trailPeriod
        let removal = PartitionRemoval(core: core, id: id)
        guard try removal.isDue(at: now, period) else { return false }
        let name = core.store.shelf.length.name(of: id)
        begin(.removing, name)
        // What came in lately must be in the partitions before anybody says what is in them.
        flushFold()
        // Once more: the clock may have been ahead when it was found due.
        guard try doubtOfClock() == nil else { return false }
        guard try removal.isDue(at: core.now, period), let event = try removal.draft(period) else { return false }
        guard case .appended = append(.removal(event), by: .system) else {
            // After a failed write nobody knows whether the event is on disk: then the draft stays, and the next start looks.
            guard core.trouble.withLock({ $0 == nil }) else { return false }
            core.removing.withLock { $0 = nil }
            do { try core.store.tombstones.removeDraft(of: id) } catch { throw ArchiveFailure(error) }
            return false
        }
        core.options.reached(.removalLogged)
        try finish(event)
        return true
    }

    /// Goes on with what the last stop, or a failure, cut short.
    func finishRemoval() throws(ArchiveFailure) {
        guard let id = core.removing.withLock({ $0 }) else { return }
        guard let removal = core.rules.withLock({ $0.removals[id.number] }) else { return }
        begin(.removing, core.store.shelf.length.name(of: id))
        try finish(removal)
    }

    private func finish(_ removal: PartitionRemove) throws(ArchiveFailure) {
        let id = PartitionID(removal.partition)
        try foldAll()
        try PartitionRemoval(core: core, id: id).finish(removal)
        core.removing.withLock { $0 = nil }
        tell(.removed(core.store.shelf.length.name(of: id), events: removal.events))
    }

    /// Deletes that were decided before the event may name what leaves: they are folded first, and forgotten with the rest.
    private func foldAll() throws(ArchiveFailure) {
        let end = core.tail.end
        flushFold()
        if let trouble = core.trouble.withLock({ $0 }) { throw trouble }
        // A full disk is no trouble: the fold tries again, and so does this.
        guard try core.store.progress().position >= end else {
            throw .folder(path: core.folder.path, reason: "is not folded; a removal waits until it is")
        }
    }
}

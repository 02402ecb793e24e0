import Events
import LMDB
import Ledger
import Projections
import Synchronization

extension Appender {
    /// Writes that a partition leaves the log, unless something came into it since its tombstone was written. From here on nothing does.
    func ruling(on removal: PartitionRemove, by principal: Principal, recorded: Instant) -> Verdict {
        let id = PartitionID(removal.partition)
        let outcome = RuleDecision(rules: rules, recorded: recorded).outcome(of: removal)
        guard case .taken = outcome else { return carryOut(outcome, by: principal, recorded: recorded) }
        // Before the look into the partition: what is folded in between would be in neither.
        let tail = core.tail.view()
        let last: Position?
        do { last = try core.store.last(in: id) } catch {
            return .refused(Refusal(.failed, "the partition that is to be removed could not be read: \(error)"))
        }
        guard batch.isEmpty, !tail.hasEvents(of: id, core.store), last == removal.last else {
            return .refused(Refusal(.busy, "events came into the partition meanwhile; try again later"))
        }
        core.removing.withLock { $0 = id }
        return carryOut(outcome, by: principal, recorded: recorded)
    }

    /// Whether an import brings something into a partition that leaves at this moment.
    func isLeaving(_ at: Instant?) -> Bool {
        guard let at, let id = core.removing.withLock({ $0 }) else { return false }
        return core.store.partition(of: at) == id
    }
}

extension Refusal {
    static let leaving = Refusal(.busy, "the partition of that time is being removed at this moment; try again in a moment")
}

extension TailView {
    fileprivate func hasEvents(of id: PartitionID, _ store: Store) -> Bool {
        batches.contains { batch in batch.entries.contains { store.partition(of: $0.at) == id } }
    }
}

extension Store {
    /// The last position in a partition; nil if there is no such partition.
    fileprivate func last(in id: PartitionID) throws(ArchiveFailure) -> Position? {
        do {
            guard let lease = try shelf.lease(id) else { return nil }
            return try lease.partition.environment.read { reader in try lease.partition.totals(reader)?.last }
        } catch { throw ArchiveFailure(error) }
    }
}

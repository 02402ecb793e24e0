package import Events
import Glibc
import LMDB
import Ledger
import Merkle
import Projections
import Synchronization
import Vault

extension Archive {
    /// Which policy counts for a scope as of a moment.
    package func retention(_ question: RetentionQuestion) throws(ArchiveFailure) -> Result<RetentionInForce, Refusal> {
        let view = LogView(core)
        switch try view.horizon(question.asOf) {
        case .failure(let refusal): return .failure(refusal)
        case .success(let horizon):
            return .success(view.retention(of: question.scope, within: horizon))
        }
    }

    /// Every retention change of a scope itself, and what took one back, by position.
    package func retentionHistory(_ scope: Scope) throws(ArchiveFailure) -> [Event] {
        let view = LogView(core)
        let changes = view.rules.policies.history(of: scope).flatMap(\.positions)
        var events: [Event] = []
        for position in changes.sorted() where position <= view.tail.end {
            if let event = try view.event(at: position) { events.append(event) }
        }
        return events
    }

    /// Waits until what is journaled is in the partitions, for whoever counts there.
    func foldBeforeCounting() { foldThread.flush() }

    /// Numbers about the archive.
    package func statistics() throws(ArchiveFailure) -> Statistics {
        let view = LogView(core)
        let store = core.store
        let progress = try store.progress()
        let conversations: Int
        do {
            conversations = try store.state.environment.read { reader in try store.state.conversations.count(reader) }
        } catch { throw ArchiveFailure(error) }
        let waiting = view.tail.batches.reduce(into: (messages: 0, bodyBytes: 0)) { sum, batch in
            for (index, entry) in batch.entries.enumerated() where entry.kind == .send && batch.position(at: index) > progress.position {
                sum.messages += 1
                sum.bodyBytes += Int(entry.bodyBytes) - StoredBody.overheadBytes
            }
        }
        let disk = store.shelf.all.reduce(DiskUse.bytes(of: core.folder.state)) { $0 + DiskUse.bytes(of: store.shelf.path(of: $1)) }
        return Statistics(
            position: view.tail.end, folded: progress.position, tailEvents: view.tail.events, tailBytes: view.tail.bytes,
            partitions: store.shelf.count, openPartitions: store.shelf.openCount,
            removedPartitions: store.tombstones.count, damagedPartitions: store.shelf.damaged.count,
            messages: Int(progress.messages) + waiting.messages, conversations: conversations,
            bodyBytes: Int(progress.bodyBytes) + waiting.bodyBytes, diskBytes: disk,
            journalBytes: core.journalBytes.load(ordering: .relaxed), batches: core.batches.load(ordering: .relaxed),
            folds: core.folds.load(ordering: .relaxed), keys: core.vault.count, now: view.now, isWritable: trouble == nil,
            started: core.started, checkpointSize: core.notary.newest?.head.size.leaves ?? 0,
            partitionLength: store.shelf.length.rawValue, instance: core.folder.identity.instance)
    }
}

extension LogView {
    fileprivate func retention(of scope: Scope, within horizon: Horizon) -> RetentionInForce {
        let (period, from, entry) = rules.policies.inForce(for: scope, within: horizon)
        // Which floor lasts longest may depend on when it begins; for the overview it is today's.
        let floor = rules.policies.floors(for: scope, within: horizon).max { one, other in
            (one.period.end(from: now) ?? .distantFuture) < (other.period.end(from: now) ?? .distantFuture)
        }
        return RetentionInForce(
            policy: PolicyInForce(period, from: from, by: entry),
            isLocked: entry?.isLocked ?? false,
            floor: floor.map { PolicyInForce($0.period, from: $0.scope, by: $0.entry) },
            pending: rules.policies.pending(of: scope, within: horizon).map {
                PendingChange(
                    position: $0.position, target: $0.target, rule: $0.rule, effectiveAt: $0.effectiveAt, isLocked: $0.isLocked)
            })
    }
}

enum DiskUse {
    /// What the file system gave to a file: allocated blocks, not its length. 0 for a file that is not there.
    static func bytes(of path: String) -> Int {
        var status = stat()
        return stat(path, &status) == 0 ? Int(status.st_blocks) * 512 : 0
    }

}

extension Archive {
    /// The server's time, which is never before the log's.
    package var now: Instant { LogView(core).now }

    /// Whether the keys' memory cannot be swapped out.
    package var isMemoryLocked: Bool { core.vault.isMemoryLocked }

    package func name(ofPartition number: Int32) -> String { core.store.shelf.length.name(of: PartitionID(number)) }
}

package import Events
import Glibc
import LMDB
import Ledger
import Projections
import Synchronization

extension Archive {
    /// Which policy counts for a scope as of a moment.
    package func retention(_ question: RetentionQuestion) throws(ArchiveFailure) -> Result<PolicyInForce, Refusal> {
        let view = LogView(core)
        switch try view.horizon(question.asOf) {
        case .failure(let refusal): return .failure(refusal)
        case .success(let horizon):
            let (period, from, entry) = view.book.inForce(for: question.scope, within: horizon)
            return .success(
                PolicyInForce(period: period, from: from, position: entry?.position, effectiveAt: entry?.effectiveAt))
        }
    }

    /// Every retention change of a scope itself, by position.
    package func retentionHistory(_ scope: Scope) throws(ArchiveFailure) -> [Event] {
        let view = LogView(core)
        var events: [Event] = []
        for change in view.book.history(of: scope) where change.position <= view.tail.end {
            if let event = try view.event(at: change.position) { events.append(event) }
        }
        return events
    }

    /// All partitions, oldest first. What is not folded yet is not counted.
    package func partitions() throws(ArchiveFailure) -> [PartitionSummary] {
        let shelf = core.store.shelf
        var summaries: [PartitionSummary] = []
        for id in shelf.all {
            do {
                guard let lease = try shelf.lease(id) else { continue }
                let partition = lease.partition
                guard let totals = try partition.environment.read({ reader in try partition.totals(reader) }) else { continue }
                summaries.append(
                    PartitionSummary(
                        name: shelf.length.name(of: id), events: Int(totals.events), messages: Int(totals.messages),
                        bodyBytes: Int(totals.bodyBytes), diskBytes: DiskUse.bytes(of: shelf.path(of: id)),
                        first: totals.first, last: totals.last))
            } catch { throw ArchiveFailure(error) }
        }
        return summaries
    }

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
                sum.bodyBytes += Int(entry.bodyBytes) - StoredBody.saltBytes
            }
        }
        let disk = store.shelf.all.reduce(DiskUse.bytes(of: core.folder.state)) { $0 + DiskUse.bytes(of: store.shelf.path(of: $1)) }
        return Statistics(
            position: view.tail.end, folded: progress.position, tailEvents: view.tail.events, tailBytes: view.tail.bytes,
            partitions: store.shelf.count, openPartitions: store.shelf.openCount,
            messages: Int(progress.messages) + waiting.messages, conversations: conversations,
            bodyBytes: Int(progress.bodyBytes) + waiting.bodyBytes, diskBytes: disk,
            journalBytes: core.journalBytes.load(ordering: .relaxed), batches: core.batches.load(ordering: .relaxed),
            folds: core.folds.load(ordering: .relaxed), isWritable: trouble == nil, started: core.started,
            partitionLength: store.shelf.length.rawValue, instance: core.folder.identity.instance)
    }
}

enum DiskUse {
    /// What the file system gave to a file: allocated blocks, not its length. 0 for a file that is not there.
    static func bytes(of path: String) -> Int {
        var status = stat()
        return stat(path, &status) == 0 ? Int(status.st_blocks) * 512 : 0
    }
}

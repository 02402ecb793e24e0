import Events
import LMDB
import Ledger
import Projections
import Vault

extension Store {
    /// Tells the state what the partitions got, and how the audit tree grew with it: one synced transaction.
    func learn(
        _ meanings: [PartitionID: Meaning], _ runs: [Extent], _ growth: inout TreeGrowth?, before: StateFile.Progress, last: Position
    ) throws(ArchiveFailure) {
        do {
            try state.environment.write { transaction in
                for run in runs { try extents.append(run, &transaction) }
                var progress = before
                for id in meanings.keys.sorted() {
                    guard let meaning = meanings[id] else { continue }
                    try state.learn(meaning, of: id, &transaction)
                    try filters.forget(id.number, &transaction)
                    progress.add(meaning)
                }
                progress.position = last
                try growth?.write(to: tree, &transaction)
                try state.write(progress, &transaction)
            }
        } catch { throw ArchiveFailure(error) }
    }

}

extension StateFile {
    /// Adds what some events of one partition mean. In whatever order the partitions come, the state ends up the same.
    func learn(
        _ meaning: Meaning, of id: PartitionID, _ transaction: inout WriteTransaction
    ) throws(ArchiveFailure) {
        do {
            try conversations.add(meaning.gains.all, in: id.number, &transaction)
            for (event, record) in meaning.others { try apply(event, record, &transaction) }
            for key in meaning.holdings.keys { try noteKey(key.rawValue, partition: id.number, &transaction) }
        } catch { throw ArchiveFailure(error) }
    }

    /// Adds what stays in the log of a partition that left it.
    func learn(
        _ stone: Tombstone, _ fingerprints: Fingerprints, _ progress: inout Progress, _ transaction: inout WriteTransaction
    ) throws(ArchiveFailure) {
        do {
            var meaning = Meaning()
            for one in stone.kept { _ = try one.record.withUnsafeBytes { try meaning.add($0, key: nil, fingerprints: fingerprints) } }
            try learn(meaning, of: stone.partition, &transaction)
        } catch { throw ArchiveFailure(error) }
        progress.position = max(progress.position, stone.totals.last)
        progress.recorded = max(progress.recorded, stone.totals.recorded)
        progress.messages += stone.totals.messages
        progress.bodyBytes += stone.totals.bodyBytes
    }

    /// Forgets what has left the log with its partitions, once everything else is learned.
    func forget(leaving stones: [Tombstone], _ transaction: inout WriteTransaction) throws(LMDBError) {
        for stone in stones {
            for run in stone.runs { try deletes.forgetHides(of: run.first...run.last, &transaction) }
            try noteRemoved(stone.partition.number, digest: stone.digest, &transaction)
        }
    }
}

extension StateFile.Progress {
    mutating func add(_ meaning: Meaning) {
        position = max(position, meaning.last)
        recorded = max(recorded, meaning.recorded)
        messages += meaning.messages
        bodyBytes += meaning.bodyBytes
    }

    /// Adds what others have come to, of other events.
    mutating func join(_ other: Self) {
        position = max(position, other.position)
        recorded = max(recorded, other.recorded)
        messages += other.messages
        bodyBytes += other.bodyBytes
    }
}

extension StateFile {
    /// What an event means beyond its partition: nothing for a `send`, and for a reading, which is in its partition's index alone.
    fileprivate func apply(_ event: Event, _ record: [UInt8], _ transaction: inout WriteTransaction) throws(LMDBError) {
        switch event.deed {
        case .send, .access: break
        case .localDelete(let deletion):
            guard let tenant = event.tenant else { return }
            try deletes.apply(deletion, tenant: tenant, cause: .init(position: event.position, at: event.at), &transaction)
        case .retentionChange, .retentionCancel, .holdPlace, .holdRelease, .purgeIntent, .purge, .clockConfirm, .partitionRemove:
            try keepRule(record, kind: event.kind, at: event.position, &transaction)
        }
    }
}

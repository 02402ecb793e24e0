import Events
import Glibc
import LMDB
import Ledger
import Projections
import Vault

/// Builds all projections anew out of the trail alone: for when an index is damaged, or to show that nothing in them
/// is more than what the log says.
///
/// First each partition's own indexes, each in one transaction; then a new state file beside the old one, which it
/// replaces by rename when it is whole. What is in the journal is not touched: it is folded afterwards, as after any start.
/// So it can be stopped anywhere and run again.
package struct Rebuild {
    private let folder: DataFolder
    private let options: ArchiveOptions

    /// How far it is.
    package struct Progress: Sendable {
        package var partition: String
        package var partitionsDone: Int
        package var partitions: Int
        package var events: Int
    }

    /// Takes hold of a data folder that no daemon has open.
    package init(of options: ArchiveOptions) throws(ArchiveFailure) {
        self.options = options
        folder = try DataFolder(openingExisting: options)
    }

    /// Rebuilds everything, and tells how it goes after each partition.
    package func run(_ report: (Progress) -> Void) throws(ArchiveFailure) {
        let draft = folder.state + ".rebuilding"
        try Self.remove([draft, draft + "-lock"])
        var store: Store? = try Store(folder, options, statePath: draft)
        if let store { try fill(store, report) }
        store = nil  // Closes the files, before the new one takes the old one's name.
        do { try PageSums.remove(beside: folder.state) } catch { throw .store(error) }
        try Self.remove([folder.state + "-lock"])
        guard rename(draft, folder.state) == 0 else {
            throw .folder(
                path: draft, reason: "cannot be renamed to \(folder.state) (error \(errno)); rename it by hand and start the daemon")
        }
        try Self.remove([draft + "-lock"])
        try DurableFile.syncFolder(of: folder.state)
    }

    private func fill(_ store: Store, _ report: (Progress) -> Void) throws(ArchiveFailure) {
        var progress = Progress(partition: "", partitionsDone: 0, partitions: store.shelf.count, events: 0)
        let survey = try LogSurvey(of: store, in: folder)
        var state = StateFile.Progress.start
        for start in stride(from: 0, to: survey.partitions.count, by: Cores.wave) {
            let ids = Array(survey.partitions[start...].prefix(Cores.wave))
            let end = survey.end
            let rebuilt = Cores.map(ids.count) { index in
                Result { () throws(ArchiveFailure) in try Self.rebuild(ids[index], of: store, upTo: end) }
            }
            for (id, result) in zip(ids, rebuilt) {
                let (events, share) = try result.get()
                state.join(share)
                progress.partition = store.shelf.length.name(of: id)
                progress.events += events
                progress.partitionsDone += 1
                report(progress)
            }
        }
        do {
            try store.state.environment.write { transaction in
                for stone in store.tombstones.all { try store.state.learn(stone, store.fingerprints, &state, &transaction) }
                try store.state.forget(leaving: store.tombstones.all, &transaction)
                for run in survey.runs { try store.extents.append(run, &transaction) }
                try store.state.write(state, &transaction)
            }
        } catch { throw ArchiveFailure(error) }
        try AuditTree(store).complete()
    }

    /// One partition's indexes in one transaction, and what the state learns from it, in whatever order partitions come. Returns how many
    /// events there are, and how far the state has come by them.
    private static func rebuild(
        _ id: PartitionID, of store: Store, upTo end: Position
    ) throws(ArchiveFailure) -> (events: Int, state: StateFile.Progress) {
        var state = StateFile.Progress.start
        do {
            guard let lease = try store.shelf.lease(id) else { return (0, state) }
            let partition = lease.partition
            let index = PartitionIndex(in: partition.environment)
            var totals: PartitionTotals?
            try partition.environment.write { transaction in
                try index.clear(&transaction)
                while let slice = try TrailSlice(of: partition, after: totals?.last, stateEnd: end, store.fingerprints) {
                    var grown = totals ?? PartitionTotals(first: slice.first)
                    grown.add(slice.all)
                    totals = grown
                    try index.add(slice.all.rows, slice.all.gains.all, &transaction)
                    try index.addHoldings(slice.all.holdings.all, &transaction)
                    state.add(slice.forState)
                    try store.state.environment.write { transaction in try store.state.learn(slice.forState, of: id, &transaction) }
                }
                if let totals { try partition.write(totals, &transaction) }
            }
            return (Int(totals?.events ?? 0), state)
        } catch { throw ArchiveFailure(error) }
    }

    private static func remove(_ paths: [String]) throws(ArchiveFailure) {
        for name in paths where unlink(name) != 0 && errno != ENOENT {
            throw .folder(path: name, reason: "cannot be removed (error \(errno)); check whose it is")
        }
    }
}

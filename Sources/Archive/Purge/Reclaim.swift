import Events
import LMDB
import Ledger
import Projections
import Synchronization
import Vault

/// Deletes bodies that nobody can read any more, in slices. Runs as often as it likes; what it leaves, the next run finds.
struct Reclaim {
    private let core: Core

    init(_ core: Core) { self.core = core }

    /// The partitions that hold bodies whose key is destroyed by a purge of this log, with those keys.
    ///
    /// A restored log may lack keys of purges that it knows nothing of. Those bodies stay: that they are there and cannot be opened is all
    /// that tells why their messages are gone. So do those whose receipt is journaled only: whoever looks at the files, or has a copy of
    /// them, is to find no body gone without the receipt that says so.
    ///
    /// - Parameter flush: folds what is journaled, if that can be done. Called only when something is destroyed.
    func toDo(flush: () -> Void) throws(ArchiveFailure) -> [PartitionID: Set<KeyID>] {
        do {
            let known = try core.store.state.environment.read { reader in try core.store.state.keys(reader) }
            let dead = known.filter { !core.vault.contains(KeyID($0.key)) }
            if dead.isEmpty { return [:] }
            flush()
            let folded = try core.store.progress().position
            // Those that were withdrawn destroyed nothing.
            let destroyed = core.rules.withLock { $0.purges.destroyed(through: folded) }
            let intents = try core.store.state.environment.read { reader in try core.store.state.intents(reader) }
            let purged = Set(intents.filter { destroyed.contains($0.position) }.flatMap(\.intent.keyIDs))
            var found: [PartitionID: Set<KeyID>] = [:]
            for (key, partition) in dead where purged.contains(KeyID(key)) {
                found[PartitionID(partition), default: []].insert(KeyID(key))
            }
            return found
        } catch { throw ArchiveFailure(error) }
    }

    /// Deletes all bodies of a partition that are sealed under dead keys.
    func run(_ id: PartitionID, _ dead: Set<KeyID>, report: (_ done: Int) -> Void = { _ in }) throws(ArchiveFailure) {
        do {
            // An import may bring something between the look and the clearing: then it is done row by row.
            let isCleared = try isAll(dead, of: id) && clear(id, dead)
            if !isCleared { try delete(dead, in: id, report) }
            core.options.reached(.reclaimed)
            try core.store.state.environment.write { transaction in
                for key in dead { try core.store.state.forgetKey(key.rawValue, &transaction) }
            }
        } catch { throw ArchiveFailure(error) }
    }

    /// Whether nothing is sealed under any other key.
    private func isAll(_ dead: Set<KeyID>, of id: PartitionID) throws -> Bool {
        guard let lease = try core.store.shelf.lease(id) else { return false }
        let environment = lease.partition.environment
        return try environment.read { reader in
            try PartitionIndex(in: environment).holdingKeys(reader).allSatisfy { dead.contains(KeyID($0)) }
        }
    }

    /// Dropping a table takes as long as it has pages, not rows.
    private func clear(_ id: PartitionID, _ dead: Set<KeyID>) throws -> Bool {
        let isCleared = try core.store.shelf.write(to: id, making: false) { partition, transaction in
            let index = PartitionIndex(in: partition.environment)
            let keys = try index.holdingKeys(transaction.reader)
            guard keys.allSatisfy({ dead.contains(KeyID($0)) }) else { return false }
            try partition.clearBodies(&transaction)
            for key in keys { try index.removeHoldings(of: key, &transaction) }
            return true
        }
        return isCleared ?? true
    }

    private func delete(_ dead: Set<KeyID>, in id: PartitionID, _ report: (Int) -> Void) throws {
        guard let lease = try core.store.shelf.lease(id) else { return }
        var walk = BodyWalk(of: lease.partition, sliceMax: core.options.purge.sliceBodies)
        var done = 0
        while let slice = try walk.next() {
            let doomed = slice.filter { dead.contains($0.key) }.map(\.position)
            if doomed.isEmpty { continue }
            _ = try core.store.shelf.write(to: id, making: false) { partition, transaction in
                for position in doomed { _ = try partition.deleteBody(position, &transaction) }
            }
            done += doomed.count
            report(done)
            core.options.reached(.sliceReclaimed)
        }
        _ = try core.store.shelf.write(to: id, making: false) { partition, transaction in
            let index = PartitionIndex(in: partition.environment)
            for key in dead { try index.removeHoldings(of: key.rawValue, &transaction) }
        }
    }
}

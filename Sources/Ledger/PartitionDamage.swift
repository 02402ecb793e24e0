import Glibc
package import LMDB
import Synchronization

/// Partitions that are put aside, because pages of their files are not what was written there.
extension PartitionShelf {
    /// What is wrong with a partition; nil for one that is not put aside.
    package func damage(of id: PartitionID) -> LMDBError? { table.withLock { $0.damage[id] } }

    /// All that are put aside, oldest first.
    package var damaged: [(id: PartitionID, error: LMDBError)] {
        table.withLock { contents in contents.damage.sorted { $0.key < $1.key }.map { ($0.key, $0.value) } }
    }

    /// Puts a partition aside when an error says that its file is damaged. Says whether that is new.
    @discardableResult
    package func putAside(for error: LMDBError) -> Bool {
        guard case .damaged = error.kind, let id = partition(at: error.path) else { return false }
        return table.withLock { contents in
            guard contents.existing.contains(id), contents.damage[id] == nil else { return false }
            contents.damage[id] = error
            return true
        }
    }

    private func partition(at path: String) -> PartitionID? {
        guard let name = path.split(separator: "/").last, name.hasSuffix(PartitionFiles.dataSuffix) else { return nil }
        guard let id = length.partition(named: name.dropLast(PartitionFiles.dataSuffix.count)) else { return nil }
        // Both may have been resolved, or one of them.
        return self.path(of: id).split(separator: "/").suffix(2) == path.split(separator: "/").suffix(2) ? id : nil
    }

    /// Larger files are compared while the daemon runs (`compareAgain`): who asks for one must not wait until all of it is read.
    private static let comparedBytesMax = 64 << 20

    /// Compares a partition's file with the sums of its pages, once, before it is opened for the first time.
    ///
    /// Outside of the door: nobody writes to what nobody has opened, and what takes that long must not keep others out.
    func compare(_ id: PartitionID) throws(LedgerFailure) {
        guard options.access != .read, options.access != .readFrozen, isToBeCompared(id) else { return }
        try comparing.withLock { _ in
            Result { () throws(LedgerFailure) in
                guard isToBeCompared(id) else { return }
                let path = path(of: id)
                var found = stat()
                if stat(path, &found) == 0, Int(found.st_size) <= Self.comparedBytesMax {
                    let verdict = try onStore { () throws(LMDBError) in try PageSums.verdict(on: path) }
                    if let error = verdict.error(in: path) { putAside(for: error) }
                }
                table.withLock { _ = $0.compared.insert(id) }
            }
        }.get()
    }

    private func isToBeCompared(_ id: PartitionID) -> Bool {
        table.withLock { $0.existing.contains(id) && !$0.compared.contains(id) && $0.open[id] == nil }
    }

    /// Compares a partition with its sums again, while the daemon runs: what a disk gives back wrong is found before somebody asks for it.
    ///
    /// Nothing is opened for it, as others would be closed, unless there is a difference: then it is made sure that it is no writer's.
    @available(*, noasync, message: "keeps writers off: call it in a synchronous function")
    package func compareAgain(_ id: PartitionID) throws(LedgerFailure) {
        let path = path(of: id)
        guard damage(of: id) == nil, case .damaged = try onStore({ () throws(LMDBError) in try PageSums.verdict(on: path) }) else { return }
        guard let lease = try lease(id, asFarAsItGoes: true), !lease.partition.isReplaced else { return }
        let environment = lease.partition.environment
        let verdict = try onStore { () throws(LMDBError) in try environment.compareWithSums() }
        if let error = verdict.error(in: environment.path) { putAside(for: error) }
    }

    /// Writes down what the pages of a partition are that has come to rest: what is compared when it is opened after the next start.
    ///
    /// Reads all of its file, while nobody can write to it. Does nothing where nothing was written since; says whether it did.
    @available(*, noasync, message: "a write transaction lives and dies on one thread: begin it in a synchronous function")
    @discardableResult
    package func sum(_ id: PartitionID) throws(LedgerFailure) -> Bool {
        let path = path(of: id)
        guard damage(of: id) == nil, try !onStore({ () throws(LMDBError) in try PageSums.fit(path) }) else { return false }
        guard let lease = try lease(id), !lease.partition.isReplaced else { return false }
        try onStore { () throws(LMDBError) in try lease.partition.environment.sumPages() }
        return true
    }
}

extension PartitionShelf.Slot {
    /// Whether it may be closed. What is never closed could not be opened again.
    var isIdle: Bool { leases == 0 && !partition.environment.isLeft }
}

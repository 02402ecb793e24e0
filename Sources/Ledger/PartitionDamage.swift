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

    /// Compares a partition's file with the sums of its pages, once, before it is opened for the first time.
    ///
    /// Outside of the door: nobody writes to what nobody has opened, and what takes that long must not keep others out.
    func compare(_ id: PartitionID) throws(LedgerFailure) {
        guard options.access != .read, options.access != .readFrozen, table.withLock({ !$0.compared.contains(id) && $0.open[id] == nil })
        else { return }
        let path = path(of: id)
        guard contains(id) else { return }
        try comparing.withLock { _ in
            Result { () throws(LedgerFailure) in
                guard table.withLock({ !$0.compared.contains(id) && $0.open[id] == nil }) else { return }
                let verdict = try onStore { () throws(LMDBError) in try PageSums.verdict(on: path) }
                if case .damaged(let pages) = verdict {
                    putAside(for: try onStore { () throws(LMDBError) in try Self.error(pages, in: path) })
                }
                table.withLock { contents in
                    contents.compared.insert(id)
                    if verdict == .sound { contents.sound.insert(id) }
                }
            }
        }.get()
    }

    /// Compares a partition with its sums again, while the daemon runs: what a disk gives back wrong is found before somebody asks for it.
    @available(*, noasync, message: "keeps writers off: call it in a synchronous function")
    package func compareAgain(_ id: PartitionID) throws(LedgerFailure) {
        guard damage(of: id) == nil, let lease = try lease(id) else { return }
        let environment = lease.partition.environment
        let path = environment.path
        try onStore { () throws(LMDBError) in
            guard try PageSums.fit(path) else { return }
            let verdict = try environment.holdingWritersOff { () throws(LMDBError) in try PageSums.verdict(on: path) }
            if case .damaged(let pages) = verdict { putAside(for: try Self.error(pages, in: path)) }
        }
    }

    private static func error(_ pages: [UInt64], in path: String) throws(LMDBError) -> LMDBError {
        let tables = Set(try PageOwners.find(pages, in: path).values).sorted()
        let others = pages.count > 1 ? ", nor are \(pages.count - 1) others" : ""
        let reason = "is not what was written there\(others) (\(tables.isEmpty ? "in no table" : tables.joined(separator: ", ")))"
        return LMDBError(PageCheck.Fault(page: pages[0], reason: reason), in: path)
    }

    /// Writes down what the pages of a partition are that has come to rest: what is compared when it is opened after the next start.
    ///
    /// Reads all of its file, while nobody can write to it. Does nothing where nothing was written since.
    @available(*, noasync, message: "a write transaction lives and dies on one thread: begin it in a synchronous function")
    package func sum(_ id: PartitionID) throws(LedgerFailure) {
        guard damage(of: id) == nil, let lease = try lease(id) else { return }
        let environment = lease.partition.environment
        try onStore { () throws(LMDBError) in
            if try PageSums.fit(environment.path) { return }
            // Looks at the pages before: what is summed up counts as sound from then on.
            let transaction = try environment.beginWriting()
            try PageSums(of: environment.path).write(beside: environment.path)
            _ = consume transaction
        }
    }
}

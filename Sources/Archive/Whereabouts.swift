import Events
import Ledger

/// Where the events of a run of positions are: in their partition, or, once that has left the log, what stays of them in its tombstone.
enum Whereabouts: ~Copyable {
    case partition(PartitionShelf.Lease)
    case tombstone(Tombstone, run: Extent)
}

extension Store {
    /// - Parameters:
    ///   - position: is folded, and its extent names the partition.
    ///   - asFarAsItGoes: the caller makes do with what can be read of a partition that is put aside.
    func whereabouts(of position: Position, in id: PartitionID, asFarAsItGoes: Bool = false) throws(ArchiveFailure) -> Whereabouts {
        // In this order. A partition leaves tombstone first, so whoever gets no lease, or the one of a file that an import made anew,
        // finds the tombstone. The other way round, and it could leave between the two looks.
        let lease: PartitionShelf.Lease?
        do { lease = try shelf.lease(id, asFarAsItGoes: asFarAsItGoes) } catch { throw .ledger(error) }
        if let stone = tombstones[id], let run = stone.run(of: position) { return .tombstone(stone, run: run) }
        guard let lease else { throw missing(id) }
        return .partition(lease)
    }
}

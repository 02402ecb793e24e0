import Events
import LMDB
import Ledger
import Projections

/// A partition's file in the making, in a folder of its own.
struct DraftPartition: ~Copyable {
    private let id: PartitionID
    private let shelf: PartitionShelf

    init(_ id: PartitionID, in path: String, like folder: DataFolder) throws(ArchiveFailure) {
        self.id = id
        try DataFolder.makeFolder(path)
        do {
            shelf = try PartitionShelf(
                folder: path, length: folder.partitionLength, indexes: PartitionIndex.tableNames, openMax: 1, options: .init(.create))
        } catch { throw .ledger(error) }
    }

    /// Adds events behind those that are there.
    func append(_ rows: [(position: Position, row: RepairFile.Row)]) throws(ArchiveFailure) {
        do {
            _ = try shelf.write(to: id, making: true) { partition, transaction in
                for (position, row) in rows {
                    try row.record.withUnsafeBytes { record in
                        try row.body.withUnsafeBytes { body in
                            try partition.append(position, record: record.bytes, body: body.bytes, &transaction)
                        }
                    }
                }
            }
        } catch { throw ArchiveFailure(error) }
    }

    /// Works out the indexes and the summary, and closes the file.
    consuming func finish(_ fingerprints: Fingerprints) throws(ArchiveFailure) {
        do {
            _ = try shelf.write(to: id, making: true) { partition, transaction in
                let index = PartitionIndex(in: partition.environment)
                var totals: PartitionTotals?
                while let slice = try TrailSlice(of: partition, after: totals?.last, stateEnd: .last, fingerprints) {
                    var grown = totals ?? PartitionTotals(first: slice.first)
                    grown.add(slice.all)
                    totals = grown
                    try index.add(slice.all.rows, slice.all.gains.all, &transaction)
                    try index.addHoldings(slice.all.holdings.all, &transaction)
                }
                if let totals { try partition.write(totals, &transaction) }
            }
        } catch { throw ArchiveFailure(error) }
    }
}

import Events
import LMDB
import Ledger
import TestSupport

/// What a test puts into a log and takes out again: records of text.
extension Partition {
    /// Adds one event in a transaction of its own, with the totals that belong to it.
    func fold(_ position: Position, record: String, body: String = "") throws {
        try environment.write { transaction in
            let before = try totals(transaction.reader)
            var totals = before ?? PartitionTotals(first: position)
            totals.last = position
            totals.events += 1
            totals.bodyBytes += UInt64(body.utf8.count)
            try append(position, record: Array(record.utf8).span.bytes, body: Array(body.utf8).span.bytes, &transaction)
            try write(totals, &transaction)
        }
    }

    func totals() throws -> PartitionTotals? {
        try environment.read { reader in try totals(reader) }
    }

    /// A table's rows as "position: text".
    func rows(of table: Table) throws -> [String] {
        try environment.read { reader in
            var cursor = try reader.cursor(in: table)
            var rows: [String] = []
            while try cursor.next() {
                rows.append("\(cursor.key.word(0) ?? 0): " + String(decoding: cursor.value.copied, as: UTF8.self))
            }
            return rows
        }
    }
}

extension PartitionShelf {
    /// A shelf of days in a folder, with one index and small files.
    convenience init(days folder: TemporaryFolder, openMax: Int = 4) throws(LedgerFailure) {
        try self.init(
            folder: folder.path, length: .day, indexes: ["index"], openMax: openMax, options: .init(.create, mapBytes: 64 << 20))
    }
}

struct NotThere: Error {}

extension PartitionShelf {
    /// A lease of a partition that is there already.
    func existing(_ id: PartitionID) throws -> Lease {
        guard let lease = try lease(id) else { throw NotThere() }
        return lease
    }
}

/// The partition of a day of January 1970.
func january(_ day: Int) -> PartitionID { PartitionID(Int32(day - 1)) }

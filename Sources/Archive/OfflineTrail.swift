package import Events
import Glibc
import Journal
import LMDB
import Ledger
import Projections

/// The trail of a data folder that no daemon has open, or of a copy of one: read without any key, and without writing anything.
///
/// It stands on the partitions' own rows and the journal's records, and on nothing else: a state file, an index, a keyring or a root key
/// that is damaged or missing matters not. Positions that are in no file are passed over.
package struct OfflineTrail {
    private let lock: FileLock?
    private let shelf: PartitionShelf
    /// In order of position.
    private let runs: [Run]

    /// Consecutive positions, and where they lie.
    private struct Run {
        var first: Position
        var last: Position
        var source: Source
    }

    private enum Source {
        case partition(PartitionID)
        /// Of what is in no partition yet, or stayed when its partition left: each record.
        case records([[UInt8]], in: String)
    }

    /// So many records are held in memory at once.
    private static let sliceMax = 2_000
    private static let openMax = 16

    package init(of path: String) throws(ArchiveFailure) {
        guard let identity = try DataFolder.readIdentity(path) else {
            throw .folder(path: path, reason: "is no archive, since it has no annals.json; name the folder that the daemon was given")
        }
        let (length, seed) = try DataFolder.values(of: identity, at: path)
        lock = try FileLock(sharing: path + "/LOCK", folder: path)
        do {
            shelf = try PartitionShelf(
                folder: path + "/partitions", length: length, indexes: [], openMax: Self.openMax, options: .init(.readFrozen))
            let tombstones = try Tombstones(folder: path + "/partitions", length: length)
            let left = tombstones.all.flatMap(\.runs).map { Run(first: $0.first, last: $0.last, source: .records([], in: "")) }
                .sorted { $0.first < $1.first }
            // A removal that was cut short leaves file and tombstone: then the tombstone counts.
            let folded = try Self.runs(of: shelf).filter { !Self.isIn(left, $0.first) }
            let known = (folded + left).sorted { $0.first < $1.first }
            let journaled = try Self.journaled(path + "/journal", besides: known, Fingerprints(seed: seed))
            runs = (folded + Self.kept(tombstones) + journaled).sorted { $0.first < $1.first }
        } catch { throw ArchiveFailure(error) }
    }

    // MARK: Where everything lies

    private static func kept(_ tombstones: Tombstones) -> [Run] {
        tombstones.all.flatMap { stone in
            let place = tombstones.file(of: stone.partition).path
            return stone.kept.map { Run(first: $0.position, last: $0.position, source: .records([$0.record], in: place)) }
        }
    }

    private static func runs(of shelf: PartitionShelf) throws -> [Run] {
        var found: [Run] = []
        for id in shelf.all {
            guard let lease = try shelf.lease(id) else { continue }
            let partition = lease.partition
            var runs: [Run] = []
            try partition.environment.read { reader in
                var cursor = try reader.cursor(in: partition.trail)
                while try cursor.next() {
                    guard let word = cursor.key.word(0), word > 0 else { throw Self.damaged(partition, .malformed("key")) }
                    let position = Position(word)
                    if let run = runs.last, run.last.next == position {
                        runs[runs.count - 1].last = position
                    } else {
                        runs.append(Run(first: position, last: position, source: .partition(id)))
                    }
                }
            }
            found += runs
        }
        return found.sorted { $0.first < $1.first }
    }

    /// What no partition has. A crash in the midst of a fold leaves some of a batch there and some here.
    private static func journaled(_ folder: String, besides folded: [Run], _ fingerprints: Fingerprints) throws -> [Run] {
        // A copy of the partitions alone is worth reading as well.
        guard access(folder, F_OK) == 0 else { return [] }
        var found: [(first: Position, trails: [[UInt8]])] = []
        var records = try Journal.scan(folder).records()
        while let record = try records.next() {
            let batch = try Batch(reading: record, fingerprints: fingerprints)
            for index in batch.entries.indices {
                let position = batch.position(at: index)
                if isIn(folded, position) { continue }
                if let run = found.last, run.first.rawValue + UInt64(run.trails.count) != position.rawValue { found.append((position, [])) }
                if found.isEmpty { found.append((position, [])) }
                found[found.count - 1].trails.append(batch.withTrail(at: index) { [UInt8]($0) })
            }
        }
        return found.map { first, trails in
            Run(first: first, last: Position(first.rawValue + UInt64(trails.count) - 1), source: .records(trails, in: folder))
        }
    }

    private static func isIn(_ runs: [Run], _ position: Position) -> Bool {
        var (low, high) = (0, runs.count)
        while low < high {
            let middle = (low + high) / 2
            if runs[middle].last < position { low = middle + 1 } else { high = middle }
        }
        return low < runs.count && runs[low].first <= position
    }

    // MARK: Reading

    /// Lends every event of a range of positions to `body`, in order.
    package func forEach(in range: ClosedRange<Position>, _ body: (Event) throws -> Void) throws {
        for run in runs where run.last >= range.lowerBound && run.first <= range.upperBound {
            let (first, last) = (max(run.first, range.lowerBound), min(run.last, range.upperBound))
            switch run.source {
            case .records(let records, let place):
                for position in first.rawValue...last.rawValue {
                    try body(event(in: records[Int(position - run.first.rawValue)], place))
                }
            case .partition(let id): try forEach(from: first, through: last, of: id, body)
            }
        }
    }

    private func forEach(from first: Position, through last: Position, of id: PartitionID, _ body: (Event) throws -> Void) throws {
        guard let lease = try shelf.lease(id) else { return }
        let partition = lease.partition
        var next = first
        while next <= last {
            // Decoded behind the snapshot: whoever prints may wait for his reader.
            let records = try Self.slice(of: partition, from: next, through: last)
            if records.isEmpty { return }
            for record in records { try body(event(in: record, partition.environment.path)) }
            next = Position(next.rawValue + UInt64(records.count))
        }
    }

    private static func slice(of partition: Partition, from first: Position, through last: Position) throws -> [[UInt8]] {
        var records: [[UInt8]] = []
        try partition.environment.read { reader in
            var cursor = try reader.cursor(in: partition.trail)
            let start = first.key
            var isThere = try cursor.seek(atLeast: start.span.bytes)
            while isThere, records.count < sliceMax, let word = cursor.key.word(0), word <= last.rawValue {
                records.append(cursor.value.withUnsafeBytes { [UInt8]($0) })
                isThere = try cursor.next()
            }
        }
        return records
    }

    private func event(in record: [UInt8], _ place: String) throws(ArchiveFailure) -> Event {
        do { return try Event(decoding: record) } catch { throw .damaged(place: place, error) }
    }

    private static func damaged(_ partition: Partition, _ fault: TrailFault) -> ArchiveFailure {
        .damaged(place: partition.environment.path, fault)
    }
}

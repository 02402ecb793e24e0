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
        let identity = try DataFolder.identity(of: path)
        let (length, seed) = try DataFolder.values(of: identity, at: path)
        lock = try FileLock(sharing: path + "/LOCK", folder: path)
        do {
            shelf = try PartitionShelf(
                folder: path + "/partitions", length: length, indexes: [], openMax: Self.openMax, options: .init(.readFrozen))
            let tombstones = try Tombstones(folder: path + "/partitions", length: length)
            let left = tombstones.all.flatMap(\.runs).sorted { $0.first < $1.first }
            // A removal that was cut short leaves file and tombstone: then the tombstone counts.
            let folded = try Self.extents(of: shelf).filter { left.run(of: $0.first) == nil }
            let known = (folded + left).sorted { $0.first < $1.first }
            let journaled = try Self.journaled(path + "/journal", besides: known, Fingerprints(seed: seed))
            let partitioned = folded.map { Run(first: $0.first, last: $0.last, source: .partition($0.partition)) }
            runs = (partitioned + Self.kept(tombstones) + journaled).sorted { $0.first < $1.first }
        } catch { throw ArchiveFailure(error) }
    }

    // MARK: Where everything lies

    private static func kept(_ tombstones: Tombstones) -> [Run] {
        tombstones.all.flatMap { stone in
            let place = tombstones.file(of: stone.partition).path
            return stone.kept.map { Run(first: $0.position, last: $0.position, source: .records([$0.record], in: place)) }
        }
    }

    private static func extents(of shelf: PartitionShelf) throws -> [Extent] {
        var found: [Extent] = []
        for id in shelf.all {
            guard let lease = try shelf.lease(id) else { continue }
            let partition = lease.partition
            found += try partition.environment.read { reader in try partition.runs(reader) }
        }
        return found
    }

    /// What no partition has. A crash in the midst of a fold leaves some of a batch there and some here.
    private static func journaled(_ folder: String, besides known: [Extent], _ fingerprints: Fingerprints) throws -> [Run] {
        // A copy of the partitions alone is worth reading as well.
        guard access(folder, F_OK) == 0 else { return [] }
        var found: [(first: Position, trails: [[UInt8]])] = []
        var records = try Journal.scan(folder).records()
        while let record = try records.next() {
            let batch = try Batch(reading: record, fingerprints: fingerprints)
            for index in batch.entries.indices {
                let position = batch.position(at: index)
                if known.run(of: position) != nil { continue }
                if let run = found.last, run.first.rawValue + UInt64(run.trails.count) != position.rawValue { found.append((position, [])) }
                if found.isEmpty { found.append((position, [])) }
                found[found.count - 1].trails.append(batch.withTrail(at: index) { [UInt8]($0) })
            }
        }
        return found.map { first, trails in
            Run(first: first, last: Position(first.rawValue + UInt64(trails.count) - 1), source: .records(trails, in: folder))
        }
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
        // Decoded behind the snapshot: whoever prints may wait for his reader.
        var walk = TrailWalk(of: lease.partition, from: first, through: last, sliceMax: Self.sliceMax)
        while let slice = try walk.next() {
            for row in slice { try body(event(in: row.record, lease.partition.environment.path)) }
        }
    }

    private func event(in record: [UInt8], _ place: String) throws(ArchiveFailure) -> Event {
        do { return try Event(decoding: record) } catch { throw .damaged(place: place, error) }
    }
}

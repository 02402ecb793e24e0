import Events
import Glibc
import LMDB
import Ledger
import Projections

/// The files below the journal, opened: partitions, the state file, and what is found where in them.
final class Store: Sendable {
    let shelf: PartitionShelf
    let state: StateFile
    let extents: Extents
    let fingerprints: Fingerprints
    private let folder: DataFolder

    /// - Parameter statePath: another state file than the folder's own, for a rebuild.
    init(_ folder: DataFolder, _ options: ArchiveOptions, statePath: String? = nil) throws(ArchiveFailure) {
        self.folder = folder
        fingerprints = Fingerprints(seed: folder.seed)
        let environment = Environment.Options(.create, mapBytes: options.mapBytes)
        do {
            shelf = try PartitionShelf(
                folder: folder.partitions, length: folder.partitionLength, indexes: PartitionIndex.tableNames,
                openMax: options.openPartitionsMax, options: environment)
            state = try StateFile(opening: statePath ?? folder.state, others: [Extents.tableName], options: environment)
        } catch { throw ArchiveFailure(error) }
        extents = Extents(in: state.environment)
    }

    /// How far the projections have come; the log's beginning for a new archive.
    func progress() throws(ArchiveFailure) -> StateFile.Progress {
        do {
            return try state.environment.read { reader in try state.progress(reader) ?? .start }
        } catch { throw ArchiveFailure(error) }
    }

    func partition(of instant: Instant) -> PartitionID { shelf.length.partition(of: instant) }

    /// Lends the trail record and stored body of a folded event; nil if there is none at that position.
    func withRecord<Result>(
        _ position: Position, _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) -> Result
    ) throws(ArchiveFailure) -> Result? {
        do {
            let extent = try state.environment.read { reader in try extents.find(atOrAfter: position, reader) }
            guard let extent, extent.first <= position else { return nil }
            return try withRecord(position, in: extent.partition, body)
        } catch { throw ArchiveFailure(error) }
    }

    /// The same, when the partition is known.
    func withRecord<Result>(
        _ position: Position, in id: PartitionID, _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) -> Result
    ) throws(ArchiveFailure) -> Result? {
        do {
            guard let lease = try shelf.lease(id) else { return nil }
            let partition = lease.partition
            return try partition.environment.read { reader in
                let key = position.key
                guard let record = try reader.value(of: key.span.bytes, in: partition.trail) else { return nil }
                guard let stored = try reader.value(of: key.span.bytes, in: partition.bodies) else {
                    return record.withUnsafeBytes { body($0, UnsafeRawBufferPointer(start: nil, count: 0)) }
                }
                return record.withUnsafeBytes { record in stored.withUnsafeBytes { stored in body(record, stored) } }
            }
        } catch { throw ArchiveFailure(error) }
    }

    /// Positions of messages with an id's fingerprint in one partition.
    func positions(of message: Fingerprint, in id: PartitionID) throws(ArchiveFailure) -> [Position] {
        do {
            guard let lease = try shelf.lease(id) else { return [] }
            let environment = lease.partition.environment
            return try environment.read { reader in try PartitionIndex(in: environment).positions(of: message, reader) }
        } catch { throw ArchiveFailure(error) }
    }

    /// Bytes that the file system has left for us.
    func freeDiskBytes() -> Int {
        var status = statvfs()
        guard statvfs(folder.path, &status) == 0 else { return .max }
        return Int(clamping: UInt64(status.f_bavail) * UInt64(status.f_frsize))
    }
}

extension StateFile.Progress {
    static let start = StateFile.Progress(position: .none, recorded: .distantPast, messages: 0, bodyBytes: 0)
}

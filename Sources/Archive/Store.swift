import Events
import Glibc
import LMDB
import Ledger
import Projections

/// The files below the journal, opened: partitions, the state file, and what is found where in them.
final class Store: Sendable {
    let shelf: PartitionShelf
    let tombstones: Tombstones
    let state: StateFile
    let extents: Extents
    let tree: TreeTable
    let filters: PartitionFilters
    let fingerprints: Fingerprints
    let vouched = VouchedBlocks()
    private let folder: DataFolder

    /// - Parameter statePath: another state file than the folder's own, for a rebuild.
    init(_ folder: DataFolder, _ options: ArchiveOptions, statePath: String? = nil) throws(ArchiveFailure) {
        self.folder = folder
        fingerprints = Fingerprints(seed: folder.seed)
        let environment = Environment.Options(.create, mapBytes: options.mapBytes)
        if statePath == nil { try Self.checkState(folder.state) }
        do {
            shelf = try PartitionShelf(
                folder: folder.partitions, length: folder.partitionLength, indexes: PartitionIndex.tableNames,
                openMax: options.openPartitionsMax, options: environment)
            tombstones = try Tombstones(folder: folder.partitions, length: folder.partitionLength)
            state = try StateFile(
                opening: statePath ?? folder.state, others: [Extents.tableName, TreeTable.tableName, PartitionFilters.tableName],
                options: environment)
        } catch { throw ArchiveFailure(error) }
        extents = Extents(in: state.environment)
        tree = TreeTable(in: state.environment)
        filters = PartitionFilters(in: state.environment)
    }

    /// The state is asked at every turn, and half of it would be answered wrong: so without all of it nothing is opened.
    private static func checkState(_ path: String) throws(ArchiveFailure) {
        guard access(path, F_OK) == 0 else { return }
        var found: LMDBError?
        do {
            let verdict = try PageSums.verdict(on: path)
            found = verdict.error(in: path)
            if verdict == .unknown, let fault = try PageCheck.fault(in: path) { found = LMDBError(fault, in: path) }
        } catch { found = error }
        guard let found else { return }
        guard case .damaged = found.kind else { throw .store(found) }
        throw .folder(path: path, reason: "is damaged: \(found); run 'annalsd rebuild' on the data folder, then start again")
    }

    /// How far the projections have come; the log's beginning for a new archive.
    func progress() throws(ArchiveFailure) -> StateFile.Progress {
        do {
            return try state.environment.read { reader in try state.progress(reader) ?? .start }
        } catch { throw ArchiveFailure(error) }
    }

    func partition(of instant: Instant) -> PartitionID { shelf.length.partition(of: instant) }

    /// Lends the trail record and stored body of a folded event; nil beyond what is folded, and for what has left the log.
    ///
    /// - Parameter asFarAsItGoes: also of a partition that is put aside. The caller sees to it that the audit tree vouches for the record.
    func withRecord<Result>(
        _ position: Position, asFarAsItGoes: Bool = false, _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) -> Result
    ) throws(ArchiveFailure) -> Result? {
        do {
            guard let extent = try extent(of: position) else { return nil }
            switch try whereabouts(of: position, in: extent.partition, asFarAsItGoes: asFarAsItGoes) {
            case .tombstone(let stone, _):
                return stone.record(at: position)?.withUnsafeBytes { body($0, UnsafeRawBufferPointer(start: nil, count: 0)) }
            case .partition(let lease): return try Self.withRecord(position, in: lease.partition, body)
            }
        } catch { throw ArchiveFailure(error) }
    }

    private static func withRecord<Result>(
        _ position: Position, in partition: Partition, _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) -> Result
    ) throws -> Result {
        try partition.environment.read { reader in try lend(position, in: partition, reader, to: body) }
    }

    /// Lends what a partition has at a position that its extent says it has.
    static func lend<Result>(
        _ position: Position, in partition: Partition, _ reader: Reader,
        to body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) -> Result
    ) throws -> Result {
        let key = position.key
        guard let record = try reader.value(of: key.span.bytes, in: partition.trail) else {
            throw ArchiveFailure.lacks(position, in: partition.environment)
        }
        guard let stored = try reader.value(of: key.span.bytes, in: partition.bodies) else {
            return record.withUnsafeBytes { body($0, UnsafeRawBufferPointer(start: nil, count: 0)) }
        }
        return record.withUnsafeBytes { record in stored.withUnsafeBytes { stored in body(record, stored) } }
    }

    /// The run of positions in which a position lies; nil beyond what is folded.
    func extent(of position: Position) throws(ArchiveFailure) -> Extent? {
        do { return try state.environment.read { reader in try extent(of: position, reader) } } catch { throw ArchiveFailure(error) }
    }

    func extent(of position: Position, _ reader: Reader) throws -> Extent? {
        guard let found = try extents.find(atOrAfter: position, reader) else { return nil }
        guard found.first <= position else {
            throw ArchiveFailure.damaged(place: state.environment.path, .malformed("table of extents, which lacks \(position)"))
        }
        return found
    }

    /// Positions of messages with an id's fingerprint in one partition.
    func positions(of message: Fingerprint, in id: PartitionID) throws(ArchiveFailure) -> [Position] {
        try positions(of: [message], in: id)[0]
    }

    /// The same for several ids, in their order.
    func positions(of messages: [Fingerprint], in id: PartitionID) throws(ArchiveFailure) -> [[Position]] {
        do {
            guard let lease = try shelf.lease(id) else { return messages.map { _ in [] } }
            let environment = lease.partition.environment
            let index = PartitionIndex(in: environment)
            return try environment.read { reader in try messages.map { try index.positions(of: $0, reader) } }
        } catch { throw ArchiveFailure(error) }
    }

    /// Calls `body` with the partitions that may have a message of an id's fingerprint, the latest first, until it says that this is enough.
    func forEachPartition(
        of message: Fingerprint, _ body: (PartitionID) throws(ArchiveFailure) -> Bool
    ) throws(ArchiveFailure) {
        var rest = shelf.all[...]
        while !rest.isEmpty {
            let some = rest.suffix(Self.filteredAtOnce)
            rest = rest.dropLast(some.count)
            let candidates: [Int32]
            do {
                candidates = try state.environment.read { reader in
                    try filters.candidates(for: message, among: some.reversed().map(\.number), reader)
                }
            } catch { throw ArchiveFailure(error) }
            for number in candidates where try !body(PartitionID(number)) { return }
        }
    }

    /// Of some ids, those that a partition may have.
    func mayContain(_ ids: [MessageID], of tenant: TenantID, in partition: PartitionID) throws(ArchiveFailure) -> [MessageID] {
        do {
            return try state.environment.read { reader in
                try ids.filter { id in
                    try !filters.candidates(for: fingerprints.of(id, in: tenant), among: [partition.number], reader).isEmpty
                }
            }
        } catch { throw ArchiveFailure(error) }
    }

    /// Most questions end in the latest partitions.
    private static let filteredAtOnce = 64

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

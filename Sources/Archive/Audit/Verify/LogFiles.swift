import Events
import Glibc
import Journal
import LMDB
import Ledger
import Projections

/// The log's files in a data folder, or in a copy of one, opened to be looked at: nothing in them is changed.
///
/// Without a daemon the folder is kept from one meanwhile, and its files are read as they lie. Beside a daemon that has it open they are
/// read as LMDB's readers in other processes do, and what is only journaled is left to the daemon.
final class LogFiles: Sendable {
    let path: String
    let origin: String
    let instance: String
    let shelf: PartitionShelf
    let tombstones: Tombstones
    let fingerprints: Fingerprints
    /// Whether a daemon has the folder open.
    let isLive: Bool
    /// Beside a daemon: as far as the state said, before the files were listed, that everything is in them; nil if it did not say. What is
    /// folded later may lie in a file that is not in the list.
    let foldedBefore: Position?
    private let lock: FileLock?

    private static let openMax = 64

    /// For whoever tells of all that is wrong: a tombstone that cannot be read is passed over, and `tombstones` lists it.
    convenience init(surveying path: String) throws(ArchiveFailure) { try self.init(of: path, isSurvey: true) }

    convenience init(of path: String) throws(ArchiveFailure) { try self.init(of: path, isSurvey: false) }

    private init(of path: String, isSurvey: Bool) throws(ArchiveFailure) {
        let identity = try DataFolder.identity(of: path)
        let (length, seed) = try DataFolder.values(of: identity, at: path)
        self.path = path
        origin = identity.origin
        instance = identity.instance
        fingerprints = Fingerprints(seed: seed)
        isLive = try FileLock.isTaken(path + "/LOCK")
        lock = isLive ? nil : try FileLock(sharing: path + "/LOCK", folder: path)
        foldedBefore = isLive ? Self.folded(path) : nil
        do {
            // Tombstones last: a partition that leaves the log has its own before its file goes.
            shelf = try PartitionShelf(
                folder: path + "/partitions", length: length, indexes: PartitionIndex.tableNames, openMax: Self.openMax,
                options: .init(isLive ? .read : .readFrozen))
            let folder = path + "/partitions"
            tombstones = try isSurvey ? Tombstones(surveying: folder, length: length) : Tombstones(folder: folder, length: length)
        } catch { throw ArchiveFailure(error) }
    }

    /// Closed again at once: nobody in this process may open it twice.
    private static func folded(_ path: String) -> Position? {
        do {
            let state = try Self.state(path, isLive: true)
            return try state.environment.read { reader in try state.progress(reader)?.position ?? Position.none }
        } catch { return nil }  // Whoever opens it later tells why.
    }

    /// The state file, if it can be read.
    func state() throws(LMDBError) -> StateFile { try Self.state(path, isLive: isLive) }

    private static func state(_ path: String, isLive: Bool) throws(LMDBError) -> StateFile {
        let options = Environment.Options(isLive ? .read : .readFrozen)
        let others = [Extents.tableName, TreeTable.tableName]
        do {
            return try StateFile(opening: path + "/state.mdb", others: others + [PartitionFilters.tableName], options: options)
        } catch {
            // What was last written before there were filters.
            guard error.kind == .missingTable(PartitionFilters.tableName) else { throw error }
            return try StateFile(opening: path + "/state.mdb", others: others, options: options)
        }
    }

    var journalFolder: String { path + "/journal" }

    /// Nil if there is none: a copy of the partitions alone is worth looking at as well.
    func journal() throws(JournalFailure) -> JournalScan? {
        guard access(journalFolder, F_OK) == 0 else { return nil }
        let scan = try Journal.scan(journalFolder)
        return scan.files.isEmpty ? nil : scan
    }

    /// What is in the journal behind the state. What was folded stays there until its segment is used again, and would hide that a partition
    /// is missing.
    func journaled(in journal: JournalScan, behind folded: Position, besides known: [Extent]) throws -> JournalRest {
        var rest = JournalRest(end: folded)
        var records = journal.records()
        while let record = try records.next() {
            let batch = try Batch(reading: record, fingerprints: fingerprints)
            rest.end = max(rest.end, batch.last)
            for index in batch.entries.indices where batch.position(at: index) > folded {
                let position = batch.position(at: index)
                if let run = known.run(of: position) {
                    if try !isSame(batch, index, in: run.partition) { rest.others.append(position) }
                    continue
                }
                rest.events.append(
                    batch.withTrailAndBody(at: index) { trail, body in
                        JournaledEvent(position: position, record: [UInt8](trail), body: [UInt8](body))
                    })
            }
        }
        return rest
    }

    /// Whether a partition has the record that the journal has; also true if it has none, since it left with a tombstone.
    private func isSame(_ batch: Batch, _ index: Int, in id: PartitionID) throws -> Bool {
        guard let lease = try shelf.lease(id) else { return true }
        let partition = lease.partition
        return try partition.environment.read { reader in try batch.isSame(at: index, in: partition, reader) } ?? true
    }
}

/// What the journal has behind the state.
struct JournalRest: Sendable {
    /// The last position of both.
    var end: Position
    /// Those that no partition has, in order of position.
    var events: [JournaledEvent] = []
    /// Where a partition has another record than the journal.
    var others: [Position] = []
}

/// An event that is in no partition yet.
struct JournaledEvent: Sendable {
    var position: Position
    var record: [UInt8]
    /// As it is stored; empty if there is none.
    var body: [UInt8]
}

package import Events
import FoundationEssentials
import Glibc
import LMDB
import Ledger
import Merkle
import Projections
import Vault

/// Makes a partition's file anew, out of what is left of it and a copy from elsewhere. Every record is compared with the audit tree and the
/// last checkpoint, every body with its record where there is a key for it; the indexes are worked out from the records.
///
/// The file is made beside the others, and takes the damaged one's name when it is whole. So it can be stopped anywhere and run again.
package struct Repair {
    private let folder: DataFolder
    private let options: Options

    package struct Options: Sendable {
        /// The partition's name, such as `2026-11-23`.
        package var partition: String
        /// A data folder, or a copy of one; nil: what is left of the file itself is all there is, as when only an index is damaged.
        package var source: String?
        package var rootKey: AuditVerify.Options.RootKeyPlace?
        package var takesUnsigned = false
        package var isDryRun = false

        package init(partition: String) { self.partition = partition }
    }

    package struct Report: Hashable, Sendable {
        package var events: UInt64 = 0
        /// Of those: from the other folder, since the file's own could not be read.
        package var fetched: UInt64 = 0
        package var bodies: UInt64 = 0
        /// Left out because a receipt says that they are destroyed.
        package var destroyed: UInt64 = 0
        package var lost: UInt64 = 0
        package var lostFirst: [Position] = []
        package var unsigned: UInt64 = 0
        package var areBodiesOpened = false
    }

    /// Takes hold of a data folder that no daemon has open.
    package init(of path: String, _ options: Options) throws(ArchiveFailure) {
        self.options = options
        folder = try DataFolder(openingExisting: ArchiveOptions(path: path))
    }

    private var draftFolder: String { folder.path + "/repairing" }

    /// - Parameter tell: is told of how many events of how many are done.
    package func run(_ tell: (_ done: Int, _ total: Int) -> Void) throws(ArchiveFailure) -> Report {
        let length = folder.partitionLength
        guard let id = length.partition(named: options.partition) else {
            throw .folder(path: options.partition, reason: "is no name of a partition; 'annals partitions' lists them")
        }
        try removeDraft()
        var store: Store? = try Store(folder, ArchiveOptions(path: folder.path))
        guard let open = store else { return Report() }
        let report = try repair(id, of: open, tell)
        store = nil  // Closes the damaged file, before the new one takes its name.
        if !options.isDryRun { try swap(id) }
        try removeDraft()
        return report
    }

    private func repair(_ id: PartitionID, of store: Store, _ tell: (Int, Int) -> Void) throws(ArchiveFailure) -> Report {
        let extents = try extents(of: id, store)
        let files = try files(of: id, store)
        let vault = try vault()
        let end = try store.progress().position
        let head = try head(through: end)
        var records = RepairRecords(store, of: id, files: files, signed: head, takesUnsigned: options.takesUnsigned)
        var bodies = try RepairBodies(store, of: id, vault: vault)
        var report = Report()
        let draft = try DraftPartition(id, in: draftFolder, like: folder)
        let total = extents.reduce(0) { $0 + Int($1.last.rawValue - $1.first.rawValue) + 1 }
        try records.checkTree()
        for block in Self.blocks(of: extents) {
            let found = try records.records(ofBlock: block, through: end)
            var chosen: [(position: Position, row: RepairFile.Row)] = []
            for position in found.keys.sorted() {
                guard let record = found[position] else { continue }
                let body = try bodies.choose(of: Self.bodies(at: position, in: files), record: record, at: position)
                chosen.append((position, RepairFile.Row(record: record, body: body)))
                report.events += 1
                if files.count > 1, try files[1].record(at: position) != record { report.fetched += 1 }
            }
            try draft.append(chosen)
            tell(Int(report.events), total)
        }
        report.bodies = bodies.kept
        (report.destroyed, report.lost, report.lostFirst) = (bodies.destroyed, bodies.lostCount, bodies.lost)
        report.unsigned = records.unsigned
        report.areBodiesOpened = vault != nil
        try draft.finish(store.fingerprints)
        if !options.isDryRun { try note(bodies.keys, of: id, store) }
        return report
    }

    /// The file's own body first: a purge may have sealed it anew since the copy was made.
    private static func bodies(at position: Position, in files: [RepairFile]) throws(ArchiveFailure) -> [[UInt8]] {
        var found: [[UInt8]] = []
        for file in files.reversed() { if let body = try file.body(at: position) { found.append(body) } }
        return found
    }

    // MARK: What there is

    private func extents(of id: PartitionID, _ store: Store) throws(ArchiveFailure) -> [Extent] {
        var found: [Extent] = []
        do {
            try store.state.environment.read { reader in
                try store.extents.forEach(reader) { if $0.partition == id { found.append($0) } }
            }
        } catch { throw ArchiveFailure(error) }
        if store.tombstones[id] != nil {
            throw .folder(path: options.partition, reason: "has left the log, its trail's time being over; there is nothing to repair")
        }
        guard !found.isEmpty else {
            throw .folder(path: options.partition, reason: "has no events in this log; 'annals partitions' lists those that have")
        }
        return found
    }

    private static func blocks(of extents: [Extent]) -> [UInt64] {
        var blocks: [UInt64] = []
        for extent in extents {
            let first = extent.first.block
            let last = extent.last.block
            for block in max(first, blocks.last.map { $0 + 1 } ?? 0)..<max(first, last + 1) { blocks.append(block) }
        }
        return blocks
    }

    /// The copy first: its pages are sound.
    private func files(of id: PartitionID, _ store: Store) throws(ArchiveFailure) -> [RepairFile] {
        var files: [RepairFile] = []
        if let source = options.source { files.append(try RepairFile(id, in: source, length: folder.partitionLength)) }
        if let own = try RepairFile(remainsOf: id, on: store.shelf) { files.append(own) }
        guard !files.isEmpty else {
            throw .folder(
                path: store.shelf.path(of: id), reason: "cannot be read at all, so name a folder that has a copy of it (--from)")
        }
        return files
    }

    private func vault() throws(ArchiveFailure) -> Vault? {
        guard let place = options.rootKey else { return nil }
        do {
            return try Vault.open(folder: folder.vault, instance: folder.identity.instance, root: place.source, mayBeNew: false)
        } catch { throw .vault(error) }
    }

    /// The newest checkpoint of what is folded.
    private func head(through end: Position) throws(ArchiveFailure) -> TreeHead? {
        let audit = try folder.audit(AuditOptions())
        let keys = try audit.verifiers()
        for note in try audit.checkpoints.notes().reversed() {
            do {
                _ = try note.verify(with: keys)
                let checkpoint = try Checkpoint(parsing: note.text)
                guard checkpoint.origin == audit.origin else { throw CheckpointFault.otherLog(checkpoint.origin) }
                if checkpoint.head.size.end <= end { return checkpoint.head }
            } catch {
                throw .folder(path: audit.checkpoints.path, reason: "has a checkpoint that this log did not sign; restore it from a copy")
            }
        }
        return nil
    }

    // MARK: Files

    private func note(_ keys: Set<KeyID>, of id: PartitionID, _ store: Store) throws(ArchiveFailure) {
        do {
            try store.state.environment.write { transaction in
                for key in keys { try store.state.noteKey(key.rawValue, partition: id.number, &transaction) }
                try store.filters.forget(id.number, &transaction)
            }
        } catch { throw ArchiveFailure(error) }
    }

    private func swap(_ id: PartitionID) throws(ArchiveFailure) {
        let name = "/\(folder.partitionLength.name(of: id)).mdb"
        let path = folder.partitions + name
        do {
            try PageSums(of: draftFolder + name).write(beside: draftFolder + name)
            try PageSums.remove(beside: path)
        } catch { throw .store(error) }
        try Self.remove([path + ".compact-lock", path + ".compact", path + "-lock"])
        for suffix in ["", PageSums.suffix] {
            guard rename(draftFolder + name + suffix, path + suffix) == 0 else {
                throw .folder(path: path, reason: "cannot be replaced (error \(errno)); the repaired file is in \(draftFolder)")
            }
            // The file before its sums: they would speak of the one that it takes the place of.
            try DurableFile.syncFolder(of: path)
        }
    }

    private func removeDraft() throws(ArchiveFailure) {
        guard access(draftFolder, F_OK) == 0 else { return }
        let names: [String]
        do { names = try FileManager.default.contentsOfDirectory(atPath: draftFolder) } catch {
            throw .folder(path: draftFolder, reason: "cannot be listed (\(error.inWords)); check whose it is")
        }
        try Self.remove(names.map { draftFolder + "/" + $0 })
        guard rmdir(draftFolder) == 0 else {
            throw .folder(path: draftFolder, reason: "cannot be removed (error \(errno)); check whose it is")
        }
    }

    private static func remove(_ paths: [String]) throws(ArchiveFailure) {
        for path in paths where unlink(path) != 0 && errno != ENOENT {
            throw .folder(path: path, reason: "cannot be removed (error \(errno)); check whose it is")
        }
    }
}

import Events
import LMDB
import Ledger
import Merkle
import Projections

/// Writes a log as files that a static web server can serve and other people's verifiers can read: hash tiles, entry bundles and the
/// checkpoint that they are of (https://c2sp.org/tlog-tiles).
///
/// From a data folder, or a copy of one, of which nothing is changed. Run again on the same folder of tiles it writes what came since:
/// tiles never change, and one that did is written again. The checkpoint comes last, so that whoever serves the folder meanwhile serves
/// what is there. Tiles of another log, or of another history of this one, are left as they are, and refused.
package struct TileTree: Sendable {
    private let files: LogFiles
    private let folder: AuditFolder
    private let map: LogMap
    private let checkpoint: SignedNote
    private let head: TreeHead
    private let target: TileFolder
    /// What the folder of tiles was of before; nil: it has no checkpoint.
    private let published: TreeHead?

    /// What was written, and what could not be.
    package struct Summary: Sendable {
        package var size: UInt64
        package var tilesWritten = 0
        package var bundlesWritten = 0
        /// Bundles with an event whose record has left the log, its trail's time being over, or is longer than the format can say.
        package var bundlesLeftOut = 0
        /// Files that held something else than they must, by their paths in the folder of tiles. They are right again.
        package var replaced: [String] = []
    }

    /// - Parameter target: the folder for the tiles. Made if it is not there.
    package init(of path: String, to target: String) throws(ArchiveFailure) {
        try Self.check(target, isOutside: path)
        folder = try AuditFolder(of: path, origin: DataFolder.identity(of: path).origin)
        guard let note = try folder.checkpoints.newest() else {
            throw .folder(path: folder.checkpoints.path, reason: "holds no checkpoint yet; 'annals audit checkpoint' signs one")
        }
        let signed = try Notary.open(note, folder, folder.checkpoints, folder.verifiers())
        (checkpoint, head) = (signed.note, signed.head)
        self.target = TileFolder(path: target)
        published = try Self.published(in: self.target, before: head, of: path, folder.origin)
        // Behind the checkpoint: what was signed is folded by now.
        var report = AuditReport()
        let survey = try FolderSurvey.taken(&report) { () throws(ArchiveFailure) in try LogFiles(of: path) }
        (files, map) = (survey.files, survey.map)
        if let gap = map.gaps(through: head.size.end).first {
            throw .folder(
                path: path, reason: "lacks the events \(gap.lowerBound) to \(gap.upperBound); 'annals audit verify' says more about it")
        }
    }

    /// The data folder is only read, and what is served lies elsewhere.
    private static func check(_ target: String, isOutside folder: String) throws(ArchiveFailure) {
        let (inner, outer) = (FilePlace(target), FilePlace(folder))
        guard inner.isIn(outer) else { return }
        throw .folder(path: target, reason: "is in the data folder, of which nothing is changed; name a folder outside it")
    }

    private static func published(
        in target: TileFolder, before head: TreeHead, of path: String, _ origin: NoteLine
    ) throws(ArchiveFailure) -> TreeHead? {
        guard let checkpoint = try target.checkpoint(of: origin) else { return nil }
        guard checkpoint.origin == origin else {
            throw .folder(
                path: target.checkpointPath,
                reason: "is of the log \(checkpoint.origin), and \(path) is \(origin); name another folder for the tiles of that one")
        }
        guard checkpoint.head.size <= head.size else {
            throw .folder(
                path: target.checkpointPath,
                reason:
                    "is of \(checkpoint.head.size) events, and the newest checkpoint in \(path) of \(head.size) only; name a data folder "
                    + "that is not older, or another one for the tiles")
        }
        return checkpoint.head
    }

    /// - Parameter tell: is told how many events are done, and how many there are.
    package func write(_ tell: (_ done: UInt64, _ of: UInt64) -> Void) throws(ArchiveFailure) -> Summary {
        var summary = Summary(size: head.size.leaves)
        var level = try writeLeaves(&summary, tell)
        var number = 1
        while level.count > 0, head.size.leaves >> UInt64(8 * number) > 0 {
            level = try write(level, at: number, &summary)
            number += 1
        }
        try target.write(checkpoint)
        return summary
    }

    /// Level 0 and the bundles under it; gives the hashes of level 1.
    ///
    /// What was published is looked at first, and nothing is written before its root was found again: until then it is only noted what is to
    /// be written.
    private func writeLeaves(_ summary: inout Summary, _ tell: (UInt64, UInt64) -> Void) throws(ArchiveFailure) -> [TreeHash] {
        var above: [TreeHash] = []
        var frontier = Frontier()
        var waiting: [UInt64] = []
        for start in stride(from: 0, to: head.size.leaves, by: TilePlace.fullWidth) {
            if start.isMultiple(of: 1 << 16) { tell(start, head.size.leaves) }
            let leaves = try leaves(from: start)
            if leaves.hashes.count == TilePlace.fullWidth { above.append(TreeHash(rootOf: leaves.hashes)) }
            for hash in leaves.hashes {
                frontier.append(hash)
                if frontier.size == published?.size { try check(frontier) }
            }
            guard frontier.size >= published?.size ?? .empty else {
                if try lacks(leaves, from: start) { waiting.append(start) }
                continue
            }
            for start in waiting { try write(self.leaves(from: start), from: start, &summary) }
            waiting = []
            try write(leaves, from: start, &summary)
        }
        guard frontier.root == head.root else {
            throw .folder(
                path: folder.checkpoints.path,
                reason: "is not of the records that are there; 'annals audit verify' says more about it. No checkpoint was written")
        }
        tell(head.size.leaves, head.size.leaves)
        return above
    }

    private func leaves(from start: UInt64) throws(ArchiveFailure) -> Leaves {
        let end = min(start + UInt64(TilePlace.fullWidth), head.size.leaves)
        return try Leaves(Position(start + 1)...Position(end), of: map, in: files)
    }

    /// Whether the log began with what was published.
    private func check(_ frontier: Frontier) throws(ArchiveFailure) {
        guard let published, frontier.root != published.root else { return }
        throw .folder(
            path: target.checkpointPath,
            reason:
                "has another root at \(published.size) than the log in \(files.path), though both are \(folder.origin); run 'annals audit "
                + "verify' on it, or name another folder for its tiles")
    }

    private func lacks(_ leaves: Leaves, from start: UInt64) throws(ArchiveFailure) -> Bool {
        for file in [tile(leaves.hashes, 0, start >> 8), bundle(leaves.records, start >> 8)].compactMap(\.self) {
            if try target.holding(at: file.place, of: file.bytes) != .same { return true }
        }
        return false
    }

    private func write(_ leaves: Leaves, from start: UInt64, _ summary: inout Summary) throws(ArchiveFailure) {
        if try write(tile(leaves.hashes, 0, start >> 8), &summary) { summary.tilesWritten += 1 }
        guard let bundle = bundle(leaves.records, start >> 8) else { return summary.bundlesLeftOut += 1 }
        if try write(bundle, &summary) { summary.bundlesWritten += 1 }
    }

    /// A level above; gives the hashes of the next one.
    private func write(_ hashes: [TreeHash], at level: Int, _ summary: inout Summary) throws(ArchiveFailure) -> [TreeHash] {
        var above: [TreeHash] = []
        for start in stride(from: 0, to: hashes.count, by: TilePlace.fullWidth) {
            let tile = Array(hashes[start..<min(start + TilePlace.fullWidth, hashes.count)])
            if try write(self.tile(tile, level, UInt64(start >> 8)), &summary) { summary.tilesWritten += 1 }
            if tile.count == TilePlace.fullWidth { above.append(TreeHash(rootOf: tile)) }
        }
        return above
    }

    // MARK: Files

    private typealias File = (place: TilePlace, bytes: [UInt8])

    private func tile(_ hashes: [TreeHash], _ level: Int, _ index: UInt64) -> File {
        guard let place = TilePlace(.hashes(level: level), index: index, width: hashes.count), let tile = HashTile(hashes) else {
            preconditionFailure("a tile has a place because it has 1 to 256 hashes")
        }
        return (place, tile.bytes)
    }

    /// Nil where a record has left the log, or is too long.
    private func bundle(_ records: [[UInt8]]?, _ index: UInt64) -> File? {
        guard let records, let place = TilePlace(.entries, index: index, width: records.count) else { return nil }
        do { return (place, try EntryBundle(records).bytes) } catch { return nil }
    }

    /// Says whether anything was written.
    private func write(_ file: File, _ summary: inout Summary) throws(ArchiveFailure) -> Bool {
        switch try target.holding(at: file.place, of: file.bytes) {
        case .same: return false
        case .nothing: break
        case .other:
            guard published != nil else {
                throw .folder(
                    path: target.file(at: file.place),
                    reason: "is not what \(folder.origin) has there, and no checkpoint lies beside it that says whose it is; name another "
                        + "folder, or remove it")
            }
            summary.replaced.append(file.place.path)
        }
        try target.write(file.bytes, at: file.place)
        return true
    }
}

/// Up to 256 consecutive leaves.
private struct Leaves {
    private(set) var hashes: [TreeHash] = []
    /// Nil if one of them has left the log.
    private(set) var records: [[UInt8]]? = []

    init(_ positions: ClosedRange<Position>, of map: LogMap, in files: LogFiles) throws(ArchiveFailure) {
        for run in map.runs(in: positions) {
            switch run.source {
            case .journal(let records): for record in records { add(record) }
            case .tombstone(let id):
                records = nil
                guard let stone = files.tombstones[id] else { continue }
                do { hashes += try files.tombstones.file(of: id).leaves(of: stone, run.first...run.last) } catch {
                    throw ArchiveFailure(error)
                }
            case .partition(let id): try read(id, run, files)
            }
        }
    }

    private mutating func read(_ id: PartitionID, _ run: LogMap.Run, _ files: LogFiles) throws(ArchiveFailure) {
        do {
            guard let lease = try files.shelf.lease(id) else { return }
            let partition = lease.partition
            try partition.environment.read { reader in
                var cursor = try reader.cursor(in: partition.trail)
                var isThere = try cursor.seek(atLeast: run.first.key.span.bytes)
                while isThere, let position = cursor.key.word(0), position <= run.last.rawValue {
                    add(cursor.value.copied)
                    isThere = try cursor.next()
                }
            }
        } catch { throw ArchiveFailure(error) }
    }

    private mutating func add(_ record: [UInt8]) {
        hashes.append(record.withUnsafeBytes { TreeHash(leaf: $0) })
        records?.append(record)
    }
}

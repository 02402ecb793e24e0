import Events
import FoundationEssentials
import Glibc
import LMDB
import Ledger
import Merkle
import Projections

/// Writes a log as files that a static web server can serve and other people's verifiers can read: hash tiles, entry bundles and the
/// checkpoint that they are of (https://c2sp.org/tlog-tiles).
///
/// From a data folder, or a copy of one, of which nothing is changed. Run again on the same folder of tiles it writes what came since:
/// full tiles never change. The checkpoint comes last, so that whoever serves the folder meanwhile serves what is there.
package struct TileTree: Sendable {
    private let files: LogFiles
    private let folder: AuditFolder
    private let map: LogMap
    private let checkpoint: SignedNote
    private let head: TreeHead
    private let target: String

    /// What was written, and what could not be.
    package struct Summary: Sendable {
        package var size: UInt64
        package var tilesWritten = 0
        package var bundlesWritten = 0
        /// Bundles with an event whose record has left the log, its trail's time being over, or is longer than the format can say.
        package var bundlesLeftOut = 0
    }

    /// - Parameter target: the folder for the tiles. Made if it is not there.
    package init(of path: String, to target: String) throws(ArchiveFailure) {
        try Self.check(target, isOutside: path)
        files = try LogFiles(of: path)
        folder = try AuditFolder(of: path, origin: files.origin)
        guard let note = try folder.checkpoints.notes().last else {
            throw .folder(path: folder.checkpoints.path, reason: "holds no checkpoint yet; 'annals audit checkpoint' signs one")
        }
        checkpoint = note
        do { head = try Checkpoint(parsing: note.text).head } catch {
            throw .folder(path: folder.checkpoints.path, reason: "ends with what is no checkpoint: \(error.explanation)")
        }
        self.target = target
        var report = AuditReport()
        map = FolderSurvey(of: files, &report).map
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

    /// - Parameter tell: is told how many events are done, and how many there are.
    package func write(_ tell: (_ done: UInt64, _ of: UInt64) -> Void) throws(ArchiveFailure) -> Summary {
        var summary = Summary(size: head.size.leaves)
        var level = try writeLeaves(&summary, tell)
        var number = 1
        while level.count > 0, head.size.leaves >> UInt64(8 * number) > 0 {
            level = try write(level, at: number, &summary)
            number += 1
        }
        try FileOnDisk.write(checkpoint.bytes, to: target + "/checkpoint")
        return summary
    }

    /// Level 0 and the bundles under it; gives the hashes of level 1.
    private func writeLeaves(_ summary: inout Summary, _ tell: (UInt64, UInt64) -> Void) throws(ArchiveFailure) -> [TreeHash] {
        var above: [TreeHash] = []
        var frontier = Frontier()
        for start in stride(from: 0, to: head.size.leaves, by: TilePlace.fullWidth) {
            if start.isMultiple(of: 1 << 16) { tell(start, head.size.leaves) }
            let end = min(start + UInt64(TilePlace.fullWidth), head.size.leaves)
            let leaves = try Leaves(Position(start + 1)...Position(end), of: map, in: files)
            for hash in leaves.hashes { frontier.append(hash) }
            let isFull = leaves.hashes.count == TilePlace.fullWidth
            if isFull { above.append(TreeHash(rootOf: leaves.hashes)) }
            try write(leaves.hashes, .hashes(level: 0), index: start >> 8, &summary)
            try write(leaves.records, index: start >> 8, &summary)
        }
        guard frontier.root == head.root else {
            throw .folder(
                path: folder.checkpoints.path,
                reason: "is not of the records that are there; 'annals audit verify' says more about it. No checkpoint was written")
        }
        tell(head.size.leaves, head.size.leaves)
        return above
    }

    /// A level above; gives the hashes of the next one.
    private func write(_ hashes: [TreeHash], at level: Int, _ summary: inout Summary) throws(ArchiveFailure) -> [TreeHash] {
        var above: [TreeHash] = []
        for start in stride(from: 0, to: hashes.count, by: TilePlace.fullWidth) {
            let tile = Array(hashes[start..<min(start + TilePlace.fullWidth, hashes.count)])
            try write(tile, .hashes(level: level), index: UInt64(start >> 8), &summary)
            if tile.count == TilePlace.fullWidth { above.append(TreeHash(rootOf: tile)) }
        }
        return above
    }

    private func write(_ hashes: [TreeHash], _ kind: TilePlace.Kind, index: UInt64, _ summary: inout Summary) throws(ArchiveFailure) {
        guard let place = TilePlace(kind, index: index, width: hashes.count), let tile = HashTile(hashes) else {
            preconditionFailure("a tile has a place because it has 1 to 256 hashes")
        }
        if try FileOnDisk.write(tile.bytes, to: "\(target)/\(place.path)", keeping: place.isFull) { summary.tilesWritten += 1 }
    }

    private func write(_ records: [[UInt8]]?, index: UInt64, _ summary: inout Summary) throws(ArchiveFailure) {
        guard let records, let place = TilePlace(.entries, index: index, width: records.count) else { return summary.bundlesLeftOut += 1 }
        do {
            let bundle = try EntryBundle(records)
            if try FileOnDisk.write(bundle.bytes, to: "\(target)/\(place.path)", keeping: place.isFull) { summary.bundlesWritten += 1 }
        } catch let failure as ArchiveFailure {
            throw failure
        } catch {
            summary.bundlesLeftOut += 1
        }
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

/// Files for others to read, each there whole or not at all.
private enum FileOnDisk {
    /// Says whether anything was written. One that is kept stays as it is: it never changes.
    @discardableResult
    static func write(_ bytes: [UInt8], to path: String, keeping isKept: Bool = false) throws(ArchiveFailure) -> Bool {
        var status = stat()
        if isKept, stat(path, &status) == 0, status.st_size == bytes.count { return false }
        do {
            let folder = String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            try Data(bytes).write(to: URL(filePath: path), options: .atomic)
        } catch {
            throw .folder(path: path, reason: "cannot be written (\(error.inWords)); check the disk and whose folder it is")
        }
        return true
    }
}

import Events
import Glibc
import Journal
import LMDB
import Ledger
import Merkle
import Projections

/// What is in a data folder, and how far the log goes in it.
struct FolderSurvey: Sendable {
    let files: LogFiles
    /// Nil if it cannot be read.
    let state: StateFile?
    /// As far as the state says that everything is in it; nil if it does not say.
    let folded: Position?
    let map: LogMap
    /// By partition, the runs of positions in its file; of a file that cannot be read nothing.
    let fileRuns: [PartitionID: [Extent]]
    /// What is in the journal alone, in order of position.
    let tail: [JournaledEvent]
    /// Beside a daemon that appends, what was folded when this was looked at.
    let end: Position

    init(of files: LogFiles, _ report: inout AuditReport) {
        self.files = files
        state = Self.openState(files, &report)
        // What is folded since the files were listed may be in none of them.
        folded = state.flatMap { Self.folded($0, &report) }.map { min($0, files.foldedBefore ?? $0) }
        fileRuns = Self.allRuns(files, &report)
        let runs = fileRuns.values.flatMap(\.self).sorted { ($0.first, $0.partition) < ($1.first, $1.partition) }
        for (id, failure) in files.tombstones.unreadable {
            report.note(.damaged, in: files.tombstones.file(of: id).path, "cannot be read: \(failure)")
        }
        Self.checkNames(files, &report)
        let stones = files.tombstones.all
        let left = stones.flatMap(\.runs).sorted { $0.first < $1.first }
        // A removal that was cut short leaves tombstone and file: each position counts once.
        let staying = runs.filter { run in files.tombstones[run.partition]?.run(of: run.first) == nil }
        Self.checkReturned(staying, of: fileRuns, files, &report)
        let known = (staying + left).sorted { $0.first < $1.first }
        let behind = folded ?? known.last?.last ?? .none
        let rest = Self.rest(files, behind: behind, besides: known, &report)
        tail = rest?.events ?? []
        map = LogMap(tombstones: left, partitions: runs, journal: tail.map { ($0.position, $0.record) })
        end = files.isLive ? folded ?? map.end : max(folded ?? .none, map.end)
        for stone in stones { Self.check(stone, files, &report) }
        DoubleClaims(runs + left).tell(files, &report)
        if folded != nil, let rest { Self.check(known, against: rest, files, &report) }
        if let state, let folded { Self.compareExtents(of: state, with: known, through: folded, &report) }
        report.end = end
        report.partitions = files.shelf.count
        report.tombstones = stones.count
    }

    /// Beside a daemon a partition may leave the log when it is listed and not yet looked into: then everything is listed again.
    static func taken(
        _ report: inout AuditReport, of list: () throws(ArchiveFailure) -> LogFiles
    ) throws(ArchiveFailure) -> FolderSurvey {
        for _ in 1..<looksMax {
            var found = report
            // Its files are closed before those of the next one are opened, since LMDB opens none twice.
            let survey = FolderSurvey(of: try list(), &found)
            if survey.files.isLive, survey.hasLostFiles { continue }
            report = found
            return survey
        }
        return FolderSurvey(of: try list(), &report)
    }

    /// Partitions leave one after the other, days apart: a file that is gone each time was taken away.
    private static let looksMax = 3

    private var hasLostFiles: Bool { files.shelf.all.contains { access(files.shelf.path(of: $0), F_OK) != 0 } }

    private static func openState(_ files: LogFiles, _ report: inout AuditReport) -> StateFile? {
        do { return try files.state() } catch {
            report.note(.damaged, in: files.path + "/state.mdb", "cannot be read (\(error)); 'annalsd rebuild' makes it anew")
            return nil
        }
    }

    private static func folded(_ state: StateFile, _ report: inout AuditReport) -> Position? {
        do {
            return try state.environment.read { reader in try state.progress(reader)?.position } ?? Position.none
        } catch {
            report.note(.damaged, in: state.environment.path, "cannot say how far the log goes: \(error); 'annalsd rebuild' makes it anew")
            return nil
        }
    }

    private static func allRuns(_ files: LogFiles, _ report: inout AuditReport) -> [PartitionID: [Extent]] {
        let ids = files.shelf.all
        let found = Cores.map(ids.count) { index in Result { try Self.runs(of: ids[index], files) } }
        var runs: [PartitionID: [Extent]] = [:]
        for (id, result) in zip(ids, found) {
            do { runs[id] = try result.get() } catch {
                report.note(.damaged, in: files.shelf.path(of: id), "cannot be read: \(error)")
            }
        }
        return runs
    }

    /// What lies beside the files of partitions is reached by no purge, and by no look of this.
    private static func checkNames(_ files: LogFiles, _ report: inout AuditReport) {
        do {
            for name in try files.shelf.foreignNames() {
                report.note(
                    .damaged, in: "\(files.shelf.folder)/\(name)",
                    "is no file of an archive: nothing looks into it, and no purge reaches what is in it; move it out of the folder")
            }
        } catch { report.note(.damaged, in: files.shelf.folder, "cannot be read: \(error)") }
    }

    /// A file that came after a tombstone has none of what left with that: nothing comes into a partition until its file is gone.
    private static func checkReturned(_ staying: [Extent], of all: [PartitionID: [Extent]], _ files: LogFiles, _ report: inout AuditReport)
    {
        for (id, own) in Dictionary(grouping: staying, by: \.partition).sorted(by: { $0.key < $1.key }) {
            guard let runs = all[id], runs.count != own.count, let left = runs.first(where: { !own.contains($0) }) else { continue }
            report.note(
                .damaged, left.first...left.last, in: files.shelf.path(of: id),
                "these events are in its tombstone as well, though the file has later ones; restore the file from a backup")
        }
    }

    private static func runs(of id: PartitionID, _ files: LogFiles) throws -> [Extent] {
        guard let lease = try files.shelf.lease(id) else { return [] }
        let partition = lease.partition
        return try partition.environment.read { reader in try partition.runs(reader) }
    }

    /// Nil if it cannot be told, or changes just now.
    private static func rest(
        _ files: LogFiles, behind folded: Position, besides known: [Extent], _ report: inout AuditReport
    ) -> JournalRest? {
        // A daemon folds what it journaled itself.
        if files.isLive { return nil }
        do {
            guard let journal = try files.journal() else {
                report.notes.append("there is no journal, so what may have been in it alone is missing")
                return JournalRest(end: folded)
            }
            for file in try journal.filesCutShort() {
                report.note(.damaged, in: file.path, "the file was cut short, and events may be missing; restore the journal from a copy")
            }
            let found = try files.journaled(in: journal, behind: folded, besides: known)
            report.journaled = found.events.count
            return found
        } catch {
            report.note(.damaged, in: files.journalFolder, "cannot be read: \(error)")
            return nil
        }
    }

    /// The next position is the one behind state and journal: what a partition has there would be given out once more.
    private static func check(_ known: [Extent], against rest: JournalRest, _ files: LogFiles, _ report: inout AuditReport) {
        for position in rest.others {
            report.note(
                .damaged, position...position, in: files.journalFolder,
                "the journal has another event here than its partition: the position was given out twice; restore both from one backup")
        }
        guard let last = known.map(\.last).max(), last > rest.end else { return }
        report.note(
            .damaged, rest.end.next...last, in: files.path + "/state.mdb",
            "the state ends at \(rest.end) with all of the journal, and the partitions go on: it is older than they are, and these positions "
                + "would be given out twice; 'annalsd rebuild' makes it anew")
    }

    /// The hashes of what left the log are what its tombstone says, which is what the log says.
    private static func check(_ stone: Tombstone, _ files: LogFiles, _ report: inout AuditReport) {
        let file = files.tombstones.file(of: stone.partition)
        do {
            var frontier = Frontier()
            try file.forEachSlice(of: stone) { hashes in for hash in hashes { frontier.append(hash) } }
            if frontier.root == stone.root { return }
            report.note(.damaged, in: file.path, "its hashes do not make the root that it names; restore the file from a backup")
        } catch { report.note(.damaged, in: file.path, "cannot be read: \(error)") }
    }

    /// - Parameter folded: a daemon goes on, in the partitions and in the state, at different moments: what it adds is left out on both sides.
    private static func compareExtents(
        of state: StateFile, with runs: [Extent], through folded: Position, _ report: inout AuditReport
    ) {
        do {
            var stored: [Extent] = []
            try state.environment.read { reader in try Extents(in: state.environment).forEach(reader) { stored.append($0) } }
            if stored.clipped(to: folded).joined == runs.clipped(to: folded).joined { return }
            report.note(
                .damaged, in: state.environment.path,
                "its table of extents does not say where the events are; if all partitions are there, 'annalsd rebuild' makes it anew")
        } catch { report.note(.damaged, in: state.environment.path, "its table of extents cannot be read: \(error)") }
    }

    /// Whether a partition's file is gone without a tombstone, or cannot be read: then what is missing need not have been taken out of the
    /// log. A state that cannot be read may know of one.
    var lacksFiles: Bool {
        if files.shelf.all.contains(where: { fileRuns[$0] == nil }) { return true }
        guard let state else { return true }
        do {
            var isLacking = false
            try state.environment.read { reader in
                try Extents(in: state.environment).forEach(reader) { extent in
                    let isThere = files.shelf.contains(extent.partition) || files.tombstones[extent.partition] != nil
                    isLacking = isLacking || !isThere
                }
            }
            return isLacking
        } catch { return true }
    }

    /// Whether every position is somewhere, and the log as long as it was when it was signed.
    func checkPresence(_ checkpoints: CheckpointAudit, _ report: inout AuditReport) {
        for gap in map.gaps(through: end) {
            report.note(
                .damaged, gap, in: files.shelf.folder,
                "these events are nowhere: a partition's file, or a part of it, is missing; restore it from a backup")
        }
        guard let last = checkpoints.heads.last, last.head.size > TreeSize(through: end) else { return }
        report.note(
            .tampered, end.next...last.head.size.end, in: last.place,
            "the log ends at \(end), and a checkpoint of size \(last.head.size) was signed: its end was cut off")
    }

    /// The server's time of an event; nil if its record is not in a partition, or cannot be read.
    func recorded(at position: Position) -> Instant? {
        do {
            guard case .partition(let id)? = map.runs(in: position...position).first?.source, let lease = try files.shelf.lease(id) else {
                return nil
            }
            let partition = lease.partition
            let key = position.key
            return try partition.environment.read { reader in
                try reader.lend(key.span.bytes, in: partition.trail) { record in
                    record.withUnsafeBytes { record in
                        do throws(TrailFault) {
                            let fields = try TrailFields(parsing: record)
                            return fields.imported ?? fields.at
                        } catch { return nil }
                    }
                } ?? nil
            }
        } catch { return nil }
    }
}

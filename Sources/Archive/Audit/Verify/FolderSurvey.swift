import Events
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
    /// Beside a daemon that appends, what was folded when this was looked at.
    let end: Position

    init(of files: LogFiles, _ report: inout AuditReport) {
        self.files = files
        // Before the partitions: what it says is folded is in them by then.
        state = Self.openState(files, &report)
        folded = state.flatMap { Self.folded($0, &report) }
        let runs = Self.allRuns(files, &report)
        let stones = files.tombstones.all
        let left = stones.flatMap(\.runs).sorted { $0.first < $1.first }
        let known = (runs + left).sorted { $0.first < $1.first }
        let behind = folded ?? known.last?.last ?? .none
        let journal = Self.journal(files, behind: behind, besides: known, &report)
        map = LogMap(tombstones: left, partitions: runs, journal: journal)
        end = files.isLive ? folded ?? map.end : max(folded ?? .none, map.end)
        for stone in stones { Self.check(stone, files, &report) }
        if let state { Self.compareExtents(of: state, with: known, &report) }
        report.end = end
        report.partitions = files.shelf.count
        report.tombstones = stones.count
    }

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

    private static func allRuns(_ files: LogFiles, _ report: inout AuditReport) -> [Extent] {
        let ids = files.shelf.all
        let found = Cores.map(ids.count) { index in Result { try Self.runs(of: ids[index], files) } }
        var runs: [Extent] = []
        for (id, result) in zip(ids, found) {
            do { runs += try result.get() } catch {
                report.note(.damaged, in: files.shelf.path(of: id), "cannot be read: \(error)")
            }
        }
        return runs.sorted { $0.first < $1.first }
    }

    private static func runs(of id: PartitionID, _ files: LogFiles) throws -> [Extent] {
        guard let lease = try files.shelf.lease(id) else { return [] }
        let partition = lease.partition
        return try partition.environment.read { reader in try partition.runs(reader) }
    }

    private static func journal(
        _ files: LogFiles, behind folded: Position, besides known: [Extent], _ report: inout AuditReport
    ) -> [(position: Position, record: [UInt8])] {
        do {
            let found = try files.journaled(behind: folded, besides: known)
            report.journaled = found.count
            return found
        } catch {
            report.note(.damaged, in: files.path + "/journal", "cannot be read: \(error)")
            return []
        }
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

    private static func compareExtents(of state: StateFile, with runs: [Extent], _ report: inout AuditReport) {
        do {
            var stored: [Extent] = []
            try state.environment.read { reader in try Extents(in: state.environment).forEach(reader) { stored.append($0) } }
            // A state that is behind ends earlier; and a daemon goes on.
            let end = stored.last?.last ?? .none
            let wanted = runs.filter { $0.first <= end }.map { Extent(first: $0.first, last: min($0.last, end), partition: $0.partition) }
            if stored.joined == wanted.joined { return }
            report.note(
                .damaged, in: state.environment.path,
                "its table of extents does not say where the events are; if all partitions are there, 'annalsd rebuild' makes it anew")
        } catch { report.note(.damaged, in: state.environment.path, "its table of extents cannot be read: \(error)") }
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
}

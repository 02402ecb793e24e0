import Events
import Ledger
import Projections

/// Whether what left the log left it by the log's own word.
///
/// Anybody can write a tombstone of a partition, and remove the file: its hashes are right, and its digest needs no key. What he cannot write
/// without changing signed roots is the event `partition-remove` that names that digest. An event that a tombstone itself keeps vouches for
/// that tombstone as little as a digest can be in what it is a digest of.
struct RemovalAudit {
    private let survey: FolderSurvey
    private let removals: [PartitionID: [Removal]]
    /// An event that is not found may be among records that are missing.
    private let kind: AuditFinding.Kind

    private struct Removal {
        var position: Position
        var at: Instant
        var deed: PartitionRemove
    }

    init(_ reading: RecordReading) {
        survey = reading.survey
        kind = reading.isWhole ? .tampered : .damaged
        var removals: [PartitionID: [Removal]] = [:]
        for event in reading.rules {
            guard case .partitionRemove(let deed) = event.deed else { continue }
            removals[PartitionID(deed.partition), default: []].append(Removal(position: event.position, at: event.at, deed: deed))
        }
        self.removals = removals
    }

    private var files: LogFiles { survey.files }

    func run(_ report: inout AuditReport) {
        for stone in files.tombstones.all { check(stone, &report) }
        let unreadable = Set(files.tombstones.unreadable.map(\.partition))
        for (id, removals) in removals.sorted(by: { $0.key < $1.key }) {
            guard let last = removals.last, files.tombstones[id] == nil, !unreadable.contains(id), !files.shelf.contains(id) else {
                continue
            }
            report.note(
                .damaged, last.position...last.position, in: files.shelf.folder,
                "the event says that the events \(last.deed.first) to \(last.deed.last) left the log with their partition, "
                    + "and there is neither its tombstone nor its file; restore the tombstone from a backup")
        }
    }

    private func check(_ stone: Tombstone, _ report: inout AuditReport) {
        let place = files.tombstones.file(of: stone.partition).path
        let positions = stone.totals.first...stone.totals.last
        let removals = removals[stone.partition] ?? []
        guard let removal = removals.last(where: { $0.deed.vouches(for: stone) }) else {
            return report.note(
                kind, positions, in: place,
                "no event partition-remove of the log has this digest, these events and this partition: nothing says that they left the log"
            )
        }
        if let last = removals.last, last.position != removal.position, !files.shelf.contains(stone.partition) {
            report.note(
                .damaged, last.position...last.position, in: place,
                "the tombstone is from before its partition's last removal; restore the newest from a backup")
        }
        if isTooEarly(removal, of: stone.partition) {
            report.note(
                .tampered, removal.position...removal.position, in: place,
                "the partition was removed at \(removal.at), before its trail was over: by the period that the event names, and by \(PurgeOptions.trailPeriodLeast) at least"
            )
        }
    }

    private func isTooEarly(_ removal: Removal, of id: PartitionID) -> Bool {
        let last = files.shelf.length.end(of: id).advanced(byMilliseconds: -1)
        guard removal.deed.period.isNeverShorter(than: PurgeOptions.trailPeriodLeast), let over = removal.deed.period.end(from: last) else {
            return true
        }
        return removal.at.milliseconds < over.milliseconds - AuditVerify.clockStepMilliseconds
    }
}

extension PartitionRemove {
    /// Whether the event is about the removal that left this tombstone.
    func vouches(for stone: Tombstone) -> Bool {
        partition == stone.partition.number && digest == stone.digest && first == stone.totals.first && last == stone.totals.last
            && events == stone.totals.events && messages == stone.totals.messages
    }
}

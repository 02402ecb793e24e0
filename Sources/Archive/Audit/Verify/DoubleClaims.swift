import Events
import Ledger

/// Positions that two files of a folder have: one of them is a copy under another name.
///
/// A tombstone and the file that it stands for are no such two, since a crash may cut a removal short.
struct DoubleClaims {
    /// By the two files, the first and the last position that both have.
    private(set) var found: [Pair: ClosedRange<Position>] = [:]

    struct Pair: Hashable, Comparable {
        var one: PartitionID
        var other: PartitionID

        static func < (left: Pair, right: Pair) -> Bool { (left.one, left.other) < (right.one, right.other) }
    }

    /// - Parameter runs: of all files.
    init(_ runs: [Extent]) {
        var open: [Extent] = []
        for run in runs.sorted(by: { ($0.first, $0.partition) < ($1.first, $1.partition) }) {
            open.removeAll { $0.last < run.first }
            for earlier in open where earlier.partition != run.partition { note(run.first...min(earlier.last, run.last), earlier, run) }
            open.append(run)
        }
    }

    private mutating func note(_ positions: ClosedRange<Position>, _ one: Extent, _ other: Extent) {
        let pair = Pair(one: min(one.partition, other.partition), other: max(one.partition, other.partition))
        guard let known = found[pair] else { return found[pair] = positions }
        found[pair] = min(known.lowerBound, positions.lowerBound)...max(known.upperBound, positions.upperBound)
    }

    func tell(_ files: LogFiles, _ report: inout AuditReport) {
        for (pair, positions) in found.sorted(by: { $0.key < $1.key }) {
            report.note(
                .damaged, positions, in: Self.name(pair.other, files),
                "these events are in \(Self.name(pair.one, files)) as well: one of the two files is a copy under another name, or was exchanged; "
                    + "move it out of the folder")
        }
    }

    private static func name(_ id: PartitionID, _ files: LogFiles) -> String {
        files.shelf.contains(id) ? files.shelf.path(of: id) : files.tombstones.file(of: id).path
    }
}

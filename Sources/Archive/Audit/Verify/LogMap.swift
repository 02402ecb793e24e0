import Events
import Ledger

/// Where each position of the log lies: runs of consecutive positions, ascending, without overlaps.
struct LogMap: Sendable {
    private(set) var runs: [Run] = []

    struct Run: Sendable {
        var first: Position
        var last: Position
        var source: Source
    }

    enum Source: Sendable {
        case partition(PartitionID)
        case tombstone(PartitionID)
        case journal([[UInt8]])
    }

    /// Positions that two sources claim belong to the first one; a removal that was cut short leaves file and tombstone.
    init(tombstones: [Extent], partitions: [Extent], journal: [(position: Position, record: [UInt8])]) {
        var all = tombstones.map { Run(first: $0.first, last: $0.last, source: .tombstone($0.partition)) }
        all += partitions.filter { extent in tombstones.run(of: extent.first) == nil }
            .map { Run(first: $0.first, last: $0.last, source: .partition($0.partition)) }
        all += Self.runs(of: journal)
        for run in all.sorted(by: { $0.first < $1.first }) where run.first > runs.last?.last ?? .none { runs.append(run) }
    }

    private static func runs(of journal: [(position: Position, record: [UInt8])]) -> [Run] {
        var runs: [Run] = []
        var rest = journal[...]
        while let first = rest.first?.position {
            let count = zip(rest, first.rawValue...).prefix { $0.position.rawValue == $1 }.count
            let records = rest.prefix(count).map(\.record)
            runs.append(Run(first: first, last: Position(first.rawValue + UInt64(count) - 1), source: .journal(records)))
            rest = rest.dropFirst(count)
        }
        return runs
    }

    /// The last position of all.
    var end: Position { runs.last?.last ?? .none }

    /// What lies nowhere, up to a position.
    func gaps(through end: Position) -> [ClosedRange<Position>] {
        var gaps: [ClosedRange<Position>] = []
        var next = Position.first
        for run in runs where run.first <= end {
            if run.first > next { gaps.append(next...Position(run.first.rawValue - 1)) }
            next = max(next, run.last.next)
        }
        if next <= end { gaps.append(next...end) }
        return gaps
    }

    /// The partitions in which anything lies up to a position, ascending.
    func partitions(through end: Position) -> [PartitionID] {
        let found = runs.prefix { $0.first <= end }.compactMap { run in
            if case .partition(let id) = run.source { id } else { nil }
        }
        return Set(found).sorted()
    }

    /// The numbers, from 0, of the stretches of so many positions in which there is anything.
    func segments(of count: UInt64, through end: Position) -> [UInt64] {
        var numbers: [UInt64] = []
        for run in runs where run.first <= end {
            let (first, last) = ((run.first.rawValue - 1) / count, (min(run.last, end).rawValue - 1) / count)
            for number in first...last where number != numbers.last { numbers.append(number) }
        }
        return numbers
    }

    /// The parts of runs that lie in a range.
    func runs(in range: ClosedRange<Position>) -> [Run] {
        let start = runs.partitioningIndex { $0.last >= range.lowerBound }
        return runs[start...].prefix { $0.first <= range.upperBound }.map { run in
            var part = run
            part.first = max(run.first, range.lowerBound)
            part.last = min(run.last, range.upperBound)
            if case .journal(let records) = run.source {
                let skipped = Int(part.first.rawValue - run.first.rawValue)
                part.source = .journal(Array(records[skipped..<skipped + Int(part.last.rawValue - part.first.rawValue + 1)]))
            }
            return part
        }
    }
}

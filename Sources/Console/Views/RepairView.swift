import Archive
import Events

/// What came of a repair, for people and for programs.
struct RepairView {
    private let report: Repair.Report
    private let partition: String
    private let isDryRun: Bool

    init(_ report: Repair.Report, partition: String, isDryRun: Bool) {
        self.report = report
        self.partition = partition
        self.isDryRun = isDryRun
    }

    func text(on surface: Surface) -> String {
        let view = View(surface: surface, zone: .utc)
        return view.card(rows.map { (label: $0.0, value: Table.Cell($0.1, tone: $0.2)) })
    }

    private var rows: [(String, String, Tone?)] {
        let opened = report.areBodiesOpened ? ", opened and compared with their records" : ", not opened, since there was no root key"
        var rows: [(String, String, Tone?)] = [
            (Harmless.line(Harmless.text(partition)), isDryRun ? "can be repaired; nothing was changed" : "repaired", .good),
            ("events", "\(count(report.events)), all of them the audit tree's", nil),
            ("fetched", "\(count(report.fetched)) of them from the other folder", nil),
            ("bodies", count(report.bodies) + opened, nil),
            ("destroyed", "\(count(report.destroyed)) bodies, which stay so", nil),
        ]
        if report.unsigned > 0 { rows[1].1 = "\(count(report.events)); for \(count(report.unsigned)) of them nothing vouches" }
        if report.lost > 0 {
            let first = report.lostFirst.map { "\($0)" }.joined(separator: ", ")
            rows.append(("lost", "\(count(report.lost)) bodies that no file has (\(first))", .bad))
        }
        return rows
    }

    private func count(_ number: UInt64) -> String { Figures.count(Int(number)) }

    var json: JSON {
        .object([
            .init("partition", .string(partition)), .init("dry-run", .bool(isDryRun)), .init("events", integer(report.events)),
            .init("fetched", integer(report.fetched)), .init("bodies", integer(report.bodies)),
            .init("opened", .bool(report.areBodiesOpened)),
            .init("destroyed", integer(report.destroyed)), .init("lost", integer(report.lost)),
            .init("lost-first", .array(report.lostFirst.map { integer($0.rawValue) })), .init("unsigned", integer(report.unsigned)),
        ])
    }

    private func integer(_ number: UInt64) -> JSON { .integer(Int64(clamping: number)) }
}

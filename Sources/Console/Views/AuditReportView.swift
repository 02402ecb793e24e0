import Archive
import Events

/// What a verification found, for people and for programs.
struct AuditReportView {
    private let report: AuditReport
    private let folder: String

    /// - Parameter folder: the data folder, as it was named; files in it are shown by their place there.
    init(_ report: AuditReport, of folder: String) {
        self.report = report
        self.folder = folder
    }

    func text(on surface: Surface) -> String {
        let view = View(surface: surface, zone: .utc)
        let tone: Tone = report.verdict == .sound ? .good : .bad
        let verdict = [(label: "verdict", value: Table.Cell(report.verdict.rawValue, tone: tone))]
        let card = view.card(verdict + rows.map { (label: $0.0, value: Table.Cell($0.1)) })
        guard !report.findings.isEmpty else { return card }
        var table = Table([.init("kind"), .init("events"), .init("where", tone: .dim), .init("what", folds: true)], on: surface)
        let found = table.render(
            report.findings.map { finding in
                [
                    Table.Cell(finding.kind.rawValue, tone: .bad), Table.Cell(Self.range(finding)), Table.Cell(place(finding)),
                    Table.Cell(plain(finding.sentence)),
                ]
            })
        let rest = report.furtherFindings == 0 ? "" : "and \(Figures.count(report.furtherFindings)) more\n"
        return card + "\n" + found + rest
    }

    private var rows: [(String, String)] {
        var rows = [
            ("log's end", "\(report.end)\(report.isLive ? ", as of the beginning: a daemon has the folder open" : "")"),
            ("root", report.root.isEmpty ? "unknown, since records are missing" : report.root.hexText),
            ("signed", signed),
            ("events", Figures.count(Int(report.events))),
            ("partitions", "\(Figures.count(report.partitions)), and \(Figures.count(report.tombstones)) removed"),
            ("messages", Figures.count(Int(report.messages))),
            ("bodies", "\(Figures.count(Int(report.bodies))) there, \(Figures.count(Int(report.purged))) destroyed with a receipt"),
            ("receipts", Figures.count(report.receipts)),
            ("checkpoints", "\(Figures.count(report.checkpoints)), compared \(Figures.count(report.checkpointsCompared))"),
        ]
        if report.opened > 0 { rows.append(("opened", "\(Figures.count(Int(report.opened))) bodies, and compared with their commitments")) }
        if report.unreclaimed > 0 {
            let count = Figures.count(Int(report.unreclaimed))
            rows.append(("not reclaimed", "\(count) bodies: their keys are destroyed, their bytes still there"))
        }
        if let why = report.stateUncompared { rows.append(("state", plain("not compared with the records: \(why)"))) }
        if report.journaled > 0 { rows.append(("in the journal", "\(Figures.count(report.journaled)) events")) }
        return rows + report.notes.map { ("note", plain($0)) }
    }

    private var signed: String {
        let rest = Figures.count(Int(report.unsigned))
        guard let signed = report.signed else { return "by nobody: all \(rest) events are vouched for by no signature" }
        let behind = report.unsigned == 0 ? "" : "; \(rest) events behind it are vouched for by no signature"
        return plain("up to \(signed.through) by \(signed.by)\(behind)")
    }

    private static func range(_ finding: AuditFinding) -> String {
        guard let first = finding.first, let last = finding.last else { return "–" }
        return first == last ? "\(first)" : "\(first) to \(last)"
    }

    private func place(_ finding: AuditFinding) -> String {
        let prefix = folder.hasSuffix("/") ? folder : folder + "/"
        return plain(finding.place.hasPrefix(prefix) ? String(finding.place.dropFirst(prefix.count)) : finding.place)
    }

    private func plain(_ text: String) -> String { Harmless.line(Harmless.text(text)) }

    var json: JSON {
        .object([
            .init("verdict", .string(report.verdict.rawValue)), .init("live", .bool(report.isLive)),
            .init("end", integer(report.end.rawValue)), .init("root", report.root.isEmpty ? .null : .string(report.root.hexText)),
            .init("signed", report.signed.map { integer($0.through.rawValue) } ?? .null),
            .init("signed-by", report.signed.map { .string($0.by) } ?? .null), .init("unsigned", integer(report.unsigned)),
            .init("state-uncompared", report.stateUncompared.map { .string($0) } ?? .null),
            .init("events", integer(report.events)),
            .init("partitions", integer(report.partitions)), .init("removed", integer(report.tombstones)),
            .init("messages", integer(report.messages)), .init("bodies", integer(report.bodies)), .init("purged", integer(report.purged)),
            .init("unreclaimed", integer(report.unreclaimed)), .init("opened", integer(report.opened)),
            .init("receipts", integer(report.receipts)), .init("checkpoints", integer(report.checkpoints)),
            .init("compared", integer(report.checkpointsCompared)), .init("journaled", integer(report.journaled)),
            .init("findings", .array(report.findings.map(finding))), .init("further-findings", integer(report.furtherFindings)),
            .init("notes", .array(report.notes.map { .string(plain($0)) })),
        ])
    }

    private func finding(_ finding: AuditFinding) -> JSON {
        .object([
            .init("kind", .string(finding.kind.rawValue)), .init("first", finding.first.map { integer($0.rawValue) } ?? .null),
            .init("last", finding.last.map { integer($0.rawValue) } ?? .null), .init("what", .string(finding.sentence)),
            .init("where", .string(finding.place)),
        ])
    }

    private func integer(_ number: some BinaryInteger) -> JSON { .integer(Int64(clamping: number)) }
}

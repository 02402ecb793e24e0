import Events
import Ledger

/// Judges the bodies of what is in the journal alone, as those in partitions are judged.
struct TailAudit {
    private(set) var report = AuditReport()

    init(_ tail: [JournaledEvent], of files: LogFiles, under law: PartitionAudit.Law) {
        var audits: [PartitionID: BodyAudit] = [:]
        for event in tail {
            // What cannot be read is told of where the records are.
            guard let fields = Self.fields(event), fields.kind == .send else { continue }
            let row = TrailWalk.Row(fields: fields, record: event.record)
            let id = files.shelf.length.partition(of: fields.at)
            // Its keys are noted with the fold.
            event.body.withUnsafeBytes { stored in
                audits[id, default: BodyAudit(id, in: files.journalFolder, of: files, under: law)]
                    .judge(row, stored: stored.isEmpty ? nil : stored, among: nil)
            }
        }
        for id in audits.keys.sorted() {
            guard let audit = audits[id] else { continue }
            report.join(audit.report)
            report.join(audit.losses)
        }
    }

    private static func fields(_ event: JournaledEvent) -> TrailFields? {
        let fields = event.record.withUnsafeBytes { record in
            Result { () throws(TrailFault) in try TrailFields(parsing: record) }
        }
        guard case .success(let found) = fields, found.position == event.position else { return nil }
        return found
    }
}

import Events
import LMDB
import Ledger
import Projections
import Vault

/// Partition by partition: what is there of bodies, against what the receipts say was destroyed.
struct ReceiptAudit: Sendable {
    private let reading: RecordReading
    private let vault: Vault?
    private let isThorough: Bool

    private static let attemptsMax = 3

    init(_ reading: RecordReading, vault: Vault?, isThorough: Bool) {
        self.reading = reading
        self.vault = vault
        self.isThorough = isThorough
    }

    private var files: LogFiles { reading.survey.files }

    func run(_ report: inout AuditReport, _ tell: (AuditVerify.Progress) -> Void) throws(ArchiveFailure) {
        var rules = reading.rules
        var audits = self.audits(under: rules, tell)
        // Beside a daemon a purge may have come between the records and the bodies: then its receipt is there by now.
        for _ in 1..<Self.attemptsMax where files.isLive && audits.contains(where: { $0.report.verdict != .sound }) {
            rules = try reading.rules + newerRules()
            audits = self.audits(under: rules, tell)
        }
        for audit in audits { report.join(audit.report) }
        compareReceipts(rules, audits, &report)
    }

    private func newerRules() throws(ArchiveFailure) -> [Event] {
        guard let state = reading.survey.state else { return [] }
        do {
            return try state.environment.read { reader in try state.ruleEvents(reader) }.filter { $0.position > reading.survey.end }
        } catch { throw ArchiveFailure(error) }
    }

    private func audits(under events: [Event], _ tell: (AuditVerify.Progress) -> Void) -> [PartitionAudit] {
        var rules = RuleBook()
        var keys: [Position: Set<UInt64>] = [:]
        for event in events {
            rules.apply(event)
            if case .purgeIntent(let intent) = event.deed { keys[event.position] = Set(intent.lines.flatMap(\.keys)) }
        }
        let law = PartitionAudit.Law(
            rules: rules, keys: keys, end: reading.survey.end, state: reading.survey.state, vault: vault, isThorough: isThorough)
        let (ids, shares, files) = (audited, reading.shares, files)
        var audits: [PartitionAudit] = []
        for start in stride(from: 0, to: ids.count, by: Cores.wave) {
            tell(.partitions(done: start, of: ids.count))
            audits += Cores.map(min(Cores.wave, ids.count - start)) { index in
                let id = ids[start + index]
                return PartitionAudit(id, shares[id] ?? PartitionShare(), of: files, under: law)
            }
        }
        tell(.partitions(done: ids.count, of: ids.count))
        return audits
    }

    /// Also those that have no events: then there must be nothing else in them. What was told of already is left out: a file that cannot be
    /// read, and one whose events another file has. Beside a daemon so is one that it has just begun, or removes at this moment.
    private var audited: [PartitionID] {
        files.shelf.all.filter { id in
            if reading.shares[id] != nil { return true }
            guard let runs = reading.survey.fileRuns[id] else { return false }
            return !files.isLive && runs.allSatisfy { files.tombstones[id]?.run(of: $0.first) != nil }
        }
    }

    /// Each receipt tells how many messages it destroyed, and its intent where.
    private func compareReceipts(_ events: [Event], _ audits: [PartitionAudit], _ report: inout AuditReport) {
        var intents: [Position: PurgeIntent] = [:]
        for event in events where event.position <= reading.survey.end {
            switch event.deed {
            case .purgeIntent(let intent): intents[event.position] = intent
            case .purge(let receipt):
                report.receipts += 1
                guard let intent = intents[receipt.intent] else {
                    report.note(
                        .tampered, event.position...event.position, in: files.path,
                        "the receipt is of an intent at \(receipt.intent), and there is none")
                    continue
                }
                if receipt.outcome == .destroyed { compare(receipt, event.position, intent, audits, &report) }
            default: break
            }
        }
    }

    private func compare(
        _ receipt: Purge, _ position: Position, _ intent: PurgeIntent, _ audits: [PartitionAudit], _ report: inout AuditReport
    ) {
        if receipt.messages != intent.messages {
            report.note(
                .tampered, position...position, in: files.path,
                "the receipt is of \(receipt.messages) messages, and its intent of \(intent.messages)")
        }
        // What left the log with its partition cannot be counted any more, and what cannot be read was not.
        for audit in audits where files.tombstones[audit.id] == nil && audit.isWhole {
            let said = intent.lines.filter { $0.partition == audit.id.number }.reduce(0) { $0 + $1.messages }
            let found = audit.destroyed[position] ?? 0
            if said == found { continue }
            report.note(
                .tampered, position...position, in: files.shelf.path(of: audit.id),
                "the receipt says that \(said) messages of this partition were destroyed, and it is about \(found)")
        }
    }
}

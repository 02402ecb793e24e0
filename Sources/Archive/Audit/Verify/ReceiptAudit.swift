import Events
import Glibc
import LMDB
import Ledger
import Projections
import Vault

/// Partition by partition: what is there of bodies, against what the receipts say was destroyed.
struct ReceiptAudit {
    private let reading: RecordReading
    private let vault: () throws(ArchiveFailure) -> Vault?
    private let isThorough: Bool

    private static let attemptsMax = 5
    private static let pauseMilliseconds = 100

    /// - Parameter vault: opens it; nil: bodies are not opened.
    init(_ reading: RecordReading, vault: @escaping () throws(ArchiveFailure) -> Vault?, isThorough: Bool) {
        self.reading = reading
        self.vault = vault
        self.isThorough = isThorough
    }

    private var files: LogFiles { reading.survey.files }

    func run(_ report: inout AuditReport, _ tell: (AuditVerify.Progress) -> Void) throws(ArchiveFailure) {
        let ids = audited
        var (rules, law) = try law()
        var audits: [PartitionID: PartitionAudit] = [:]
        look(at: ids, under: law, &audits, tell)
        // Beside a daemon a purge may have come between what was read and the bodies: then its receipt is there soon.
        for attempt in 1..<Self.attemptsMax where files.isLive && !audits.values.allSatisfy(\.isSound) {
            usleep(UInt32(attempt * Self.pauseMilliseconds * 1000))
            (rules, law) = try self.law()
            look(at: ids.filter { audits[$0]?.isSound == false }, under: law, &audits, tell)
        }
        let found = ids.compactMap { audits[$0] }
        for audit in found { report.join(audit.report) }
        report.join(TailAudit(reading.survey.tail, of: files, under: law).report)
        try joinLosses(of: found, under: law, since: rules.last?.position ?? .none, &report)
        compareReceipts(rules, found, &report)
        tellUnjudged(&report)
        lookForDeadKeys(law, &report)
        lookForStrangeKeys(law, &report)
    }

    private func tellUnjudged(_ report: inout AuditReport) {
        guard report.unjudged > 0, let lost = reading.lost else { return }
        report.notes.append(
            "whether \(report.unjudged) bodies are gone, or still there, rightly was not judged: the event \(lost) is missing or "
                + "cannot be read, and it, or a later one, may be the policy, hold or receipt that says so; restore its file and verify again"
        )
    }

    /// A keyring of before a purge, with the root key of before it, opens what the receipt says is destroyed.
    private func lookForDeadKeys(_ law: PartitionAudit.Law, _ report: inout AuditReport) {
        guard let vault = law.vault else { return }
        let undead = law.destroyed.filter { vault.contains(KeyID($0)) }
        if undead.isEmpty { return }
        report.note(
            .tampered, in: files.path + "/vault/keyring",
            "\(undead.count) keys are in it, key \(undead.min() ?? 0) among them, that receipts say are destroyed; put the newest keyring back"
        )
    }

    /// The state's table of keys by itself: rows of no shape, or of partitions that there are not.
    private func lookForStrangeKeys(_ law: PartitionAudit.Law, _ report: inout AuditReport) {
        guard let state = law.state, !files.isLive, law.isWhole else { return }
        let isShapely: Bool
        do {
            _ = try state.environment.read { reader in try state.keys(reader) }
            isShapely = true
        } catch { isShapely = false }
        let strange = law.keysOf.contains { id, keys in
            !files.shelf.contains(id) && files.tombstones[id] == nil && !keys.isSubset(of: law.named)
        }
        if isShapely, !strange, !law.keysOf.contains(where: { isOfNobody($1, in: $0, law) }) { return }
        report.note(
            .damaged, in: state.environment.path, "its table keys has rows that nobody made; 'annalsd rebuild' makes it anew")
    }

    /// Whether some key was never any: it is not in the keyring, no purge named it, and nothing is sealed under it. Of a keyring that is not
    /// open nobody can tell: where a crash cut a purge short, a key may be noted before anything is sealed under it.
    private func isOfNobody(_ keys: Set<UInt64>, in id: PartitionID, _ law: PartitionAudit.Law) -> Bool {
        guard let vault = law.vault, reading.isWhole, files.tombstones[id] == nil else { return false }
        let used = reading.shares[id]?.bodies.keys ?? []
        return keys.contains { key in
            !used.contains(key) && !law.named.contains(key) && vault.owner(of: KeyID(key))?.partition != id.number
        }
    }

    /// What bodies are judged by, as of now. The rules first: beside a daemon, what they say was destroyed is in them before it is deleted,
    /// and what they say is under way is in them before a key is missing.
    private func law() throws(ArchiveFailure) -> (rules: [Event], law: PartitionAudit.Law) {
        let events = try reading.rules + newerRules()
        var rules = RuleBook()
        var keys: [Position: Set<UInt64>] = [:]
        for event in events {
            rules.apply(event)
            if case .purgeIntent(let intent) = event.deed { keys[event.position] = Set(intent.lines.flatMap(\.keys)) }
        }
        let law = PartitionAudit.Law(
            rules: rules, isWhole: reading.lost == nil, keys: keys, keysOf: knownKeys(), end: reading.survey.end,
            state: reading.survey.state, vault: isThorough ? try vault() : nil, isThorough: isThorough)
        return (events, law)
    }

    /// None where they cannot be read: then the partitions' own indexes say which keys there are.
    private func knownKeys() -> [PartitionID: Set<UInt64>] {
        guard let state = reading.survey.state else { return [:] }
        let found = Result { try state.environment.read { reader in try state.keys(reader) } }
        guard case .success(let keys) = found else { return [:] }
        return keys.reduce(into: [:]) { $0[PartitionID($1.partition), default: []].insert($1.key) }
    }

    private func newerRules() throws(ArchiveFailure) -> [Event] {
        guard files.isLive, let state = reading.survey.state else { return [] }
        do {
            return try state.environment.read { reader in try state.ruleEvents(reader) }.filter { $0.position > reading.survey.end }
        } catch { throw ArchiveFailure(error) }
    }

    private func look(
        at ids: [PartitionID], under law: PartitionAudit.Law, _ audits: inout [PartitionID: PartitionAudit],
        _ tell: (AuditVerify.Progress) -> Void
    ) {
        let (shares, files) = (reading.shares, files)
        for start in stride(from: 0, to: ids.count, by: Cores.wave) {
            tell(.partitions(done: start, of: ids.count))
            let found = Cores.map(min(Cores.wave, ids.count - start)) { index in
                let id = ids[start + index]
                return PartitionAudit(id, shares[id] ?? PartitionShare(), of: files, under: law)
            }
            for audit in found { audits[audit.id] = audit }
        }
        tell(.partitions(done: ids.count, of: ids.count))
    }

    /// Bodies that are gone without a receipt, but for those that a purge has just destroyed beside this: of them nobody can tell yet.
    private func joinLosses(
        of audits: [PartitionAudit], under law: PartitionAudit.Law, since last: Position, _ report: inout AuditReport
    ) throws(ArchiveFailure) {
        let lossy = audits.filter { $0.losses.verdict != .sound }
        if lossy.isEmpty { return }
        let busy = files.isLive ? try busyPartitions(under: law.rules, since: last) : []
        for audit in lossy where !busy.contains(audit.id) { report.join(audit.losses) }
        guard let first = lossy.first(where: { busy.contains($0.id) }) else { return }
        let path = files.shelf.path(of: first.id)
        let reason = "changed meanwhile, since a purge is under way in it; run it again"
        // A purge that goes on hides no finding that there is.
        guard report.verdict == .sound else { return report.notes.append("\(path) \(reason)") }
        throw .folder(path: path, reason: reason)
    }

    /// Where a purge was under way when the rules were looked at, or has come since.
    private func busyPartitions(under rules: RuleBook, since last: Position) throws(ArchiveFailure) -> Set<PartitionID> {
        var intents = rules.purges.open.map(\.intent)
        for event in try newerRules() where event.position > last {
            if case .purgeIntent(let intent) = event.deed { intents.append(intent) }
        }
        return Set(intents.flatMap(\.partitions).map { PartitionID($0) })
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
                    if reading.lost != nil { continue }
                    report.note(
                        .tampered, event.position...event.position, in: files.path,
                        "the receipt is of an intent at \(receipt.intent), and there is none")
                    continue
                }
                if receipt.outcome == .destroyed, reading.lost == nil { compare(receipt, event.position, intent, audits, &report) }
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

import Events
import LMDB
import Ledger
import Projections
import Vault

/// What came of looking at one partition as a whole: whether its summary and its indexes are those of its records, and whether each body is
/// there that must be, and gone that a receipt says is destroyed.
struct PartitionAudit: Sendable {
    let id: PartitionID
    private(set) var report = AuditReport()
    /// By receipt: how many messages of this partition it destroyed.
    private(set) var destroyed: [Position: UInt64] = [:]
    /// Whether all its bodies were looked at.
    private(set) var isWhole = false

    /// What all partitions are judged by.
    struct Law: Sendable {
        var rules: RuleBook
        /// By position of the intent: the keys that it names.
        var keys: [Position: Set<UInt64>]
        var end: Position
        /// Nil if it cannot be read.
        var state: StateFile?
        /// Opens bodies; nil: they are counted only.
        var vault: Vault?
        /// Whether each body is looked at, also where none is missing.
        var isThorough: Bool
    }

    private let files: LogFiles
    private let law: Law
    /// By receipt; made once, since they are asked for each message.
    private var judgements: [Position: Judgement] = [:]
    private var holdings = HoldingGains()

    init(_ id: PartitionID, _ share: PartitionShare, of files: LogFiles, under law: Law) {
        self.id = id
        self.files = files
        self.law = law
        do {
            guard let lease = try files.shelf.lease(id) else { return }
            let partition = lease.partition
            // What a daemon has added meanwhile is of no concern.
            let totals = try partition.environment.read { reader in try partition.totals(reader) }
            if files.tombstones[id] != nil, share.totals.events == 0 {
                // What a removal that was cut short leaves: it goes with the next start, but for bodies.
                try lookForBodies(in: partition)
            } else {
                if let totals, !files.isLive || totals.last <= law.end { try compare(partition, totals, share) }
                if totals == nil { try checkBeginning(of: partition, share) }
                try lookAtBodies(of: partition, messages: share.totals.messages)
            }
            isWhole = true
        } catch {
            report.note(.damaged, in: place, "cannot be read: \(error)")
        }
    }

    private var place: String { files.shelf.path(of: id) }

    private mutating func lookForBodies(in partition: Partition) throws {
        let bodies = try partition.totalsAndBodies().bodies
        if bodies == 0 { return }
        report.note(.damaged, in: place, "\(bodies) bodies are in a file whose tombstone knows of none; keep a copy of it, and report this")
    }

    /// A partition that was made, and of which a crash came before its first event, has nothing at all.
    private mutating func checkBeginning(of partition: Partition, _ share: PartitionShare) throws {
        guard share.totals.events == 0 else {
            return report.note(.damaged, in: place, "the partition has no summary of itself; restore the file from a backup")
        }
        let index = PartitionIndex(in: partition.environment)
        let found = try partition.environment.read { reader in try index.sums(reader) }
        for table in share.indexSums().differences(from: found) {
            report.note(.damaged, in: place, "its index \(table) has rows, and there are no records; 'annalsd rebuild' makes it anew")
        }
    }

    private mutating func compare(_ partition: Partition, _ totals: PartitionTotals, _ share: PartitionShare) throws {
        if totals != share.totals {
            report.note(.damaged, in: place, "its summary (table meta) is not that of its records; restore the file from a backup")
        }
        let index = PartitionIndex(in: partition.environment)
        do { try compare(index, in: partition, totals, share) } catch let failure as ProjectionFailure {
            report.note(.damaged, in: place, "its indexes cannot be read (\(failure))")
        }
    }

    private mutating func compare(
        _ index: PartitionIndex, in partition: Partition, _ totals: PartitionTotals, _ share: PartitionShare
    ) throws {
        let found = try partition.environment.read { reader in try index.sums(reader) }
        let wanted = share.indexSums()
        for table in wanted.differences(from: found) {
            report.note(.damaged, in: place, "its index \(table) is not that of its records; 'annalsd rebuild' makes it anew")
        }
        if let state = law.state, !files.isLive { try compareFilter(of: index, in: partition, totals, state) }
    }

    /// A filter is of all ids, unless a crash kept the state from hearing of the latest.
    private mutating func compareFilter(
        of index: PartitionIndex, in partition: Partition, _ totals: PartitionTotals, _ state: StateFile
    ) throws {
        guard state.environment.hasTable(named: PartitionFilters.tableName) else { return }
        let stored = try state.environment.read { reader in
            let isHeardOf = totals.last <= (try state.progress(reader)?.position ?? .none)
            return isHeardOf ? try PartitionFilters(in: state.environment).filter(of: id.number, reader) : nil
        }
        guard let stored, stored != (try partition.environment.read { reader in try index.filter(reader).filter }) else { return }
        report.note(
            .damaged, in: state.environment.path,
            "its filter of \(place) lacks messages that are there, or has others; 'annalsd rebuild' makes it anew")
    }

    // MARK: Bodies

    private mutating func lookAtBodies(of partition: Partition, messages: UInt64) throws {
        let count = try partition.environment.read { reader in try reader.count(of: partition.bodies) }
        if UInt64(count) == messages, !law.isThorough, !law.rules.purges.concern(id.number) {
            report.bodies += messages
            return
        }
        var walk = TrailWalk(of: partition, through: law.end)
        var seen = 0
        while let slice = try walk.next() { seen += try lookAt(slice, in: partition) }
        // Those of events that came meanwhile are not looked at, so there may be more.
        if count > seen, !files.isLive {
            report.note(.damaged, in: place, "\(count - seen) bodies belong to no message; restore the file from a backup")
        }
        guard law.isThorough, !files.isLive else { return }
        try compareHoldings(of: partition)
    }

    /// Returns how many have a body.
    private mutating func lookAt(_ slice: [TrailWalk.Row], in partition: Partition) throws -> Int {
        var seen = 0
        try partition.environment.read { reader in
            for row in slice where row.fields.kind == .send {
                let key = row.position.key
                let isThere: Void? = try reader.lend(key.span.bytes, in: partition.bodies) { stored in
                    stored.withUnsafeBytes { judge(row, stored: $0) }
                }
                if isThere == nil { judge(row, stored: nil) } else { seen += 1 }
            }
        }
        return seen
    }

    private mutating func judge(_ row: TrailWalk.Row, stored: UnsafeRawBufferPointer?) {
        let send: Send
        let tenant: TenantID
        do {
            let event = try row.event()
            guard case .send(let found) = event.deed, let of = event.tenant else { return }
            (send, tenant) = (found, of)
        } catch {
            return note(.damaged, row.position, "the record cannot be read: \(error)")
        }
        let receipt = receipt(of: row, send, tenant)
        if let receipt { destroyed[receipt.receipt, default: 0] += 1 }
        guard let stored else {
            if receipt == nil {
                note(.tampered, row.position, "the body is gone, and no receipt says that it was destroyed")
            } else {
                report.purged += 1
            }
            return
        }
        guard let key = SealedBody.keyID(of: stored) else { return note(.damaged, row.position, "the body's bytes make no sense") }
        if let receipt {
            report.purged += 1
            guard law.keys[receipt.intent]?.contains(key.rawValue) ?? false else {
                return note(
                    .tampered, row.position,
                    "the body is there, sealed under key \(key.rawValue), and the receipt \(receipt.receipt) says that it was destroyed")
            }
            report.unreclaimed += 1
        } else {
            report.bodies += 1
            open(row, send, stored)
        }
        count(row, send, key)
    }

    /// The first receipt that destroyed a message, if there is one.
    private mutating func receipt(of row: TrailWalk.Row, _ send: Send, _ tenant: TenantID) -> PurgeBook.Settled? {
        for settled in law.rules.purges.receipts(of: id.number, tenant: tenant) {
            let judgement = judgements[settled.receipt] ?? Judgement(law.rules, of: settled)
            judgements[settled.receipt] = judgement
            let fate = judgement.fate(tenant, send.conversation, send.sender, at: row.fields.at, position: row.position)
            if fate == .due { return settled }
        }
        return nil
    }

    private mutating func open(_ row: TrailWalk.Row, _ send: Send, _ stored: UnsafeRawBufferPointer) {
        guard let vault = law.vault else { return }
        let opening = row.record.withUnsafeBytes { record in
            StoredBody.open(stored, of: send, at: row.position, record: record, with: vault)
        }
        switch opening {
        case .body: report.opened += 1
        case .gone: note(.damaged, row.position, "the body's key is not in the keyring, and no receipt says that it was destroyed")
        case .damaged: note(.tampered, row.position, "the body is not the one that the record's commitment was made of")
        }
    }

    // MARK: What is counted of them

    private mutating func count(_ row: TrailWalk.Row, _ send: Send, _ key: KeyID) {
        guard law.isThorough else { return }
        let fields = row.fields
        let tenant = fields.tenant
        do {
            try row.record.withUnsafeBytes { record in
                try send.conversation.utf8.withUnsafeBytes { conversation in
                    try send.sender.utf8.withUnsafeBytes { sender in
                        let name = files.fingerprints.of(conversation, in: tenant.bytes(in: record))
                        try holdings.add(
                            key, tenant: tenant.bytes(in: record), name, conversation, sender: sender, at: fields.at,
                            bodyBytes: UInt64(send.bodyBytes), files.fingerprints)
                    }
                }
            }
        } catch { note(.damaged, row.position, "a name in the record makes no sense") }
    }

    private mutating func compareHoldings(of partition: Partition) throws {
        var wanted: [[UInt8]: PartitionIndex.HoldingGain] = [:]
        for gain in holdings.all { wanted[gain.key] = gain }
        // Where messages were moved away, whose times remain is not counted again, and the bounds stay wider.
        let named = law.keys.values.reduce(into: Set<UInt64>()) { $0.formUnion($1) }
        var isSame = true
        try partition.environment.read { reader in
            try PartitionIndex(in: partition.environment).holdings(reader) { stored in
                guard let count = wanted.removeValue(forKey: stored.gain.key), count.messages == stored.messages,
                    count.bytes == stored.bytes, stored.first <= count.first, stored.last >= count.last,
                    named.contains(stored.key) || (stored.first, stored.last) == (count.first, count.last)
                else { return isSame = false }
            }
        }
        if isSame, wanted.isEmpty { return }
        report.note(.damaged, in: place, "its index holdings is not that of its bodies; 'annalsd rebuild' makes it anew")
    }

    private mutating func note(_ kind: AuditFinding.Kind, _ position: Position, _ sentence: String) {
        report.note(kind, position...position, in: place, sentence)
    }
}

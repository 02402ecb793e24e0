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
    private var bodies: BodyAudit
    /// Whether all its bodies were looked at.
    private(set) var isWhole = false

    /// What all partitions are judged by.
    struct Law: Sendable {
        var rules: RuleBook
        /// Whether those are all: otherwise what is gone may have been destroyed by a purge, and what is there kept by a hold, that nobody knows.
        var isWhole: Bool
        /// By position of the intent: the keys that it names.
        var keys: [Position: Set<UInt64>]
        /// All of those: of what is sealed under them some may be gone, and some was moved away.
        let named: Set<UInt64>
        /// Those of intents whose receipts say that they are destroyed: what is sealed under one of them is lost.
        let destroyed: Set<UInt64>
        /// Purges that are under way, or were cut short: they may have destroyed what they are about.
        let dying: [Dying]
        /// By partition: those that the state knows.
        var keysOf: [PartitionID: Set<UInt64>]
        var end: Position
        /// Nil if it cannot be read.
        var state: StateFile?
        /// Opens bodies; nil: presence, length and key are all that is looked at.
        var vault: Vault?
        /// Whether each body is looked at by itself, also where none is missing.
        var isThorough: Bool

        struct Dying: Sendable {
            var keys: Set<UInt64>
            var judgement: Judgement
        }

        init(
            rules: RuleBook, isWhole: Bool, keys: [Position: Set<UInt64>], keysOf: [PartitionID: Set<UInt64>], end: Position,
            state: StateFile?, vault: Vault?, isThorough: Bool
        ) {
            (self.rules, self.isWhole, self.keys, self.keysOf) = (rules, isWhole, keys, keysOf)
            (self.end, self.state, self.vault, self.isThorough) = (end, state, vault, isThorough)
            named = keys.values.reduce(into: []) { $0.formUnion($1) }
            destroyed = rules.purges.destroyed(through: end).reduce(into: []) { $0.formUnion(keys[$1] ?? []) }
            dying = rules.purges.open.map { open in
                Dying(keys: keys[open.position] ?? [], judgement: Judgement(rules, on: open.intent))
            }
        }
    }

    private let files: LogFiles
    private let law: Law

    /// By receipt: how many messages of this partition it destroyed.
    var destroyed: [Position: UInt64] { bodies.destroyed }
    /// What a purge that is under way would explain.
    var losses: AuditReport { bodies.losses }
    var isSound: Bool { report.verdict == .sound && losses.verdict == .sound }

    init(_ id: PartitionID, _ share: PartitionShare, of files: LogFiles, under law: Law) {
        self.id = id
        self.files = files
        self.law = law
        bodies = BodyAudit(id, in: files.shelf.path(of: id), of: files, under: law)
        do {
            guard let lease = try files.shelf.lease(id) else { return }
            let partition = lease.partition
            // What a daemon has added meanwhile is of no concern.
            let totals = try partition.environment.read { reader in try partition.totals(reader) }
            try lookForStrangers(in: partition)
            if files.tombstones[id] != nil, share.totals.events == 0 {
                // What a removal that was cut short leaves: it goes with the next start, but for bodies.
                try lookForBodies(in: partition)
            } else {
                if let totals, !files.isLive || totals.last <= law.end { try compare(partition, totals, share) }
                if totals == nil { try checkBeginning(of: partition, share) }
                try lookAtBodies(of: partition, share)
                try compareCounts(partition, share)
            }
            isWhole = true
        } catch {
            report.note(.damaged, in: place, "cannot be read: \(error)")
        }
        report.join(bodies.report)
    }

    private var place: String { files.shelf.path(of: id) }

    /// What nobody here ever reads, and no purge deletes.
    private mutating func lookForStrangers(in partition: Partition) throws {
        for name in try partition.environment.unopenedTables() {
            report.note(
                .damaged, in: place, "its table \(name) is none of an archive's, and no purge reaches it; restore the file from a backup")
        }
        if try partition.environment.read({ reader in try partition.hasStrangeSummary(reader) }) {
            report.note(.damaged, in: place, "its table meta has rows that are no summary; restore the file from a backup")
        }
    }

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

    /// What a purge goes by, against the bodies. Where a body is missing or another one, that is told, and the count says no more.
    private mutating func compareCounts(_ partition: Partition, _ share: PartitionShare) throws {
        if files.isLive || report.verdict != .sound || bodies.report.verdict != .sound || losses.verdict != .sound { return }
        if bodies.report.unjudged > 0 { return }
        // Of what is sealed under a key that a purge named, some may be gone, and the rows stay until all of it is.
        let holdings = try partition.environment.read { reader in try PartitionIndex(in: partition.environment).holdingSums(reader) }
        let isRight = holdings.isSame(as: share.bodies.holdings, but: law.named) && holdings.covers(timesOf: share.bodies.holdings)
        if !isRight { report.note(.damaged, in: place, Self.otherHoldings) }
        guard let state = law.state, !holdings.keys.isSubset(of: law.keysOf[id] ?? []) else { return }
        // A crash may have kept the state from hearing of the latest.
        let heard = try state.environment.read { reader in try state.progress(reader)?.position ?? .none }
        guard share.totals.last <= heard else { return }
        report.note(
            .damaged, in: state.environment.path,
            "its table keys lacks those that bodies of \(place) are sealed under; 'annalsd rebuild' makes it anew")
    }

    private static let otherHoldings =
        "its index holdings is not that of its bodies, and a purge goes by it; 'annalsd rebuild' makes it anew"

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

    private mutating func lookAtBodies(of partition: Partition, _ share: PartitionShare) throws {
        if try isEachThere(in: partition, share) { return report.bodies += share.totals.messages }
        var walk = TrailWalk(of: partition, through: law.end)
        var seen = 0
        while let slice = try walk.next() { seen += try lookAt(slice, in: partition) }
        // Those of events that came meanwhile are not looked at, so there may be more.
        let count = try partition.environment.read { reader in try reader.count(of: partition.bodies) }
        if count > seen, !files.isLive {
            report.note(.damaged, in: place, "\(count - seen) bodies belong to no message; restore the file from a backup")
        }
        guard law.isThorough, !files.isLive, bodies.report.unjudged == 0 else { return }
        try compareHoldings(of: partition)
    }

    /// Whether what was seen beside the records says all: each message has its body, and none was destroyed.
    private func isEachThere(in partition: Partition, _ share: PartitionShare) throws -> Bool {
        guard !law.isThorough, !law.rules.purges.concern(id.number), share.bodies.fitting == share.totals.messages else { return false }
        return try partition.environment.read { reader in
            let count = UInt64(try reader.count(of: partition.bodies))
            guard count == share.totals.messages || files.isLive else { return false }
            return try share.bodies.keys.isSubset(of: keys(of: partition, reader))
        }
    }

    /// Those that a body may be sealed under. A state that is behind does not know all of them, and an index may be damaged.
    private func keys(of partition: Partition, _ reader: Reader) throws -> Set<UInt64> {
        try PartitionIndex(in: partition.environment).holdingKeys(reader).union(law.keysOf[id] ?? [])
    }

    /// Returns how many have a body.
    private mutating func lookAt(_ slice: [TrailWalk.Row], in partition: Partition) throws -> Int {
        var seen = 0
        try partition.environment.read { reader in
            // In each snapshot anew: a purge seals bodies under other keys meanwhile.
            let keys = try keys(of: partition, reader)
            for row in slice where row.fields.kind == .send {
                let key = row.position.key
                let isThere: Void? = try reader.lend(key.span.bytes, in: partition.bodies) { stored in
                    stored.withUnsafeBytes { bodies.judge(row, stored: $0, among: keys) }
                }
                if isThere == nil { bodies.judge(row, stored: nil, among: keys) } else { seen += 1 }
            }
        }
        return seen
    }

    private mutating func compareHoldings(of partition: Partition) throws {
        var wanted: [[UInt8]: PartitionIndex.HoldingGain] = [:]
        for gain in bodies.holdings.all { wanted[gain.key] = gain }
        // Where messages were moved away, whose times remain is not counted again, and the bounds stay wider.
        var isSame = true
        try partition.environment.read { reader in
            try PartitionIndex(in: partition.environment).holdings(reader) { stored in
                let count = wanted.removeValue(forKey: stored.gain.key)
                isSame = isSame && (law.named.contains(stored.key) ? stored.covers(count) : stored.gain.says(count))
            }
        }
        if isSame, wanted.isEmpty { return }
        report.note(.damaged, in: place, Self.otherHoldings)
    }
}

extension PartitionIndex.Holding {
    /// Whether it counts no less. Of what is sealed under a key that a purge named, bodies go before their rows.
    fileprivate func covers(_ count: PartitionIndex.HoldingGain?) -> Bool {
        guard let count else { return true }
        return count.messages <= messages && count.bytes <= bytes && first <= count.first && count.last <= last
    }
}

extension PartitionIndex.HoldingGain {
    fileprivate func says(_ other: PartitionIndex.HoldingGain?) -> Bool {
        guard let other else { return false }
        return (messages, bytes, first, last) == (other.messages, other.bytes, other.first, other.last)
    }
}

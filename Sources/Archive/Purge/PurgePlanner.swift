import Crypto
import Events
import LMDB
import Ledger
import Projections
import Vault

/// Works out what a purge would destroy: by what partitions count of each key, conversation and sender. Only where the edge of what is
/// due goes through such a count are messages looked at one by one.
struct PurgePlanner {
    let store: Store
    let vault: Vault
    let judgement: Judgement
    /// A tenant's part of a partition of which more comes due soon is left alone until then, unless its oldest message has waited so long,
    /// or a day: what stays must be sealed anew, and waiting a day saves that. Nil: everything that is due goes.
    var patienceMilliseconds: Int64?
    /// Looked at between partitions.
    var report: (_ done: Int, _ total: Int) -> Void = { _, _ in }

    func plan(of partitions: [PartitionID]) throws(ArchiveFailure) -> PurgePlan {
        var plan = PurgePlan(
            coverage: judgement.coverage, basis: judgement.basis, horizon: judgement.horizon, rules: judgement.rules.last)
        var conversations: [TenantID: Set<ConversationID>] = [:]
        for (index, id) in partitions.enumerated() {
            report(index, partitions.count)
            // What is in it cannot be told, so nothing of it is destroyed.
            if store.shelf.damage(of: id) != nil { continue }
            let survey = try survey(id)
            plan.held += survey.held
            plan.floored += survey.floored
            plan.locked += survey.locked
            var patient: [PartitionSurvey.Tally] = []
            let patience = patienceMilliseconds.map { min($0, Instant.millisecondsPerDay) }
            for tenant in survey.tenants.keys.sorted() {
                guard let tally = survey.tenants[tenant], tally.isDue else { continue }
                if let line = tally.line(tenant, id, patience, at: judgement.horizon.time) {
                    plan.lines.append(line)
                    conversations[tenant, default: []].formUnion(tally.conversations)
                } else {
                    patient.append(tally)
                }
            }
            if let patienceMilliseconds { plan.rest[id] = survey.rest(patient, patienceMilliseconds) }
        }
        plan.conversations = conversations.values.reduce(0) { $0 + UInt64($1.count) }
        plan.digest = plan.computedDigest
        return plan
    }

    /// What one partition has, judged.
    func survey(_ id: PartitionID) throws(ArchiveFailure) -> PartitionSurvey {
        var survey = PartitionSurvey()
        do {
            guard let lease = try store.shelf.lease(id) else { return survey }
            let partition = lease.partition
            let environment = partition.environment
            var mixed: [PartitionSurvey.Row: Bench] = [:]
            try environment.read { reader in
                // What came in behind the horizon is not counted apart, so then every message is looked at.
                let isGrown = try partition.totals(reader).map { $0.last > judgement.horizon.position } ?? false
                var (count, living) = (PresenceCount(), LivingKeys(vault))
                try PartitionIndex(in: environment).holdingsAtEase(reader) { holding in
                    let isLiving = living.contains(holding.key)
                    count.add(holding.messages, isLiving: isLiving)
                    guard isLiving, let row = row(of: holding) else { return }
                    let bench = judgement.bench(holding.tenant, holding.conversation, holding.sender)
                    if !isGrown, let fate = bench.fate(in: holding.stretch) {
                        survey.add(row, fate, messages: holding.messages, bytes: holding.bytes, of: holding.stretch, bench.terms)
                    } else {
                        mixed[row] = bench
                    }
                }
                try count.check(of: partition, reader)
            }
            if !mixed.isEmpty { try look(at: partition, mixed, &survey) }
            return survey
        } catch { throw ArchiveFailure(error) }
    }

    /// Nil for what the purge does not look at: other tenants.
    private func row(of holding: PartitionIndex.Holding) -> PartitionSurvey.Row? {
        if let tenant = judgement.coverage.tenant, tenant != holding.tenant { return nil }
        return PartitionSurvey.Row(
            key: KeyID(holding.key), tenant: holding.tenant, conversation: holding.conversation, sender: holding.sender)
    }

    /// Looks at each message of the rows that have several fates.
    private func look(
        at partition: Partition, _ mixed: [PartitionSurvey.Row: Bench], _ survey: inout PartitionSurvey
    ) throws {
        var walk = BodyWalk(of: partition)
        while let slice = try walk.next() {
            for sealed in slice {
                let row = PartitionSurvey.Row(
                    key: sealed.key, tenant: sealed.tenant, conversation: sealed.send.conversation, sender: sealed.send.sender)
                guard let bench = mixed[row] else { continue }
                let fate = sealed.position > judgement.horizon.position ? .living : bench.fate(at: sealed.at)
                // What a hold keeps is sealed anew whenever the rest goes: only for what comes due by itself is it worth waiting.
                if fate == .living { survey.notePartlyDue(row) }
                let moment = Stretch(from: sealed.at, through: sealed.at)
                survey.add(row, fate, messages: 1, bytes: UInt64(sealed.send.bodyBytes), of: moment, bench.terms)
            }
        }
    }
}

extension PurgePlan {
    fileprivate var computedDigest: [UInt8] {
        var hash = SHA256()
        func add(_ text: String) { hash.update(data: Array("\(text)\n".utf8)) }
        add("\(coverage) \(basis.word) \(horizon.position.rawValue) \(horizon.time.milliseconds) \(rules.rawValue)")
        if case .before(let time) = basis { add("\(time.milliseconds)") }
        add("\(held) \(floored) \(locked)")
        for line in lines {
            let line = line.line
            add(
                "\(line.partition) \(line.tenant.utf8.count):\(line.tenant) \(line.keys) \(line.messages) \(line.conversations) \(line.bytes)"
            )
        }
        return Array(hash.finalize())
    }
}

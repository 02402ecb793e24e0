package import Events
import Ledger
import Projections
import Synchronization
import Vault

/// Plans that somebody may ask to be run: the newest few, for an hour.
struct PlanShelf {
    private var plans: [(plan: PurgePlan, made: Instant)] = []
    private static let plansMax = 64
    private static let lifeMilliseconds: Int64 = 3_600_000

    mutating func keep(_ plan: PurgePlan, now: Instant) {
        plans.removeAll { $0.plan.id == plan.id || now.milliseconds - $0.made.milliseconds > Self.lifeMilliseconds }
        plans.append((plan, now))
        if plans.count > Self.plansMax { plans.removeFirst() }
    }

    func find(_ id: String, now: Instant) -> PurgePlan? {
        // One that is yet to come was made while the clock was ahead.
        plans.first { $0.plan.id == id && (0...Self.lifeMilliseconds).contains(now.milliseconds - $0.made.milliseconds) }?.plan
    }
}

extension Upkeep {
    /// What a purge would destroy now. Nothing is changed by it.
    package func plan(coverage: Coverage, basis: PurgeBasis) throws(ArchiveFailure) -> PurgePlan {
        let plan = try plan(coverage: coverage, basis: basis, of: nil, patience: nil)
        plans.withLock { $0.keep(plan, now: core.now) }
        return plan
    }

    func plan(
        coverage: Coverage, basis: PurgeBasis, of partitions: [PartitionID]?, patience: Int64?
    ) throws(ArchiveFailure) -> PurgePlan {
        let (rules, folded) = try rulesWithinFolded(basis)
        let judgement = Judgement(
            rules, coverage: coverage, basis: basis, horizon: Horizon(position: folded, time: core.now))
        let planner = PurgePlanner(store: core.store, vault: core.vault, judgement: judgement, patienceMilliseconds: patience)
        // Listed now: what was only journaled may have made partitions of its own.
        return try planner.plan(of: partitions ?? core.store.shelf.all)
    }

    /// The rules, and then how far the partitions have come: what is only journaled gets there first, if any of it may be due. A fold of what
    /// came in this second would hold up the appends for nothing.
    ///
    /// In this order. A hold that the rules know and the horizon did not include would neither keep anything nor be seen as a change.
    private func rulesWithinFolded(_ basis: PurgeBasis) throws(ArchiveFailure) -> (RuleBook, Position) {
        for attempt in 0..<Self.flushesMax {
            let rules = core.rules.withLock { $0 }
            if attempt > 0 || core.tail.view().hasAny(before: basis.end(at: core.now)) { flushFold() }
            let folded = try core.store.progress().position
            if rules.last <= folded { return (rules, folded) }
            // Rules are published a moment before their events, so a fold may have missed one. After a failure it never comes.
            if let trouble = core.trouble.withLock({ $0 }) { throw trouble }
        }
        throw .folder(path: core.folder.path, reason: "is not folded, so nothing can be planned; see whether the disk is full")
    }

    private static let flushesMax = 100

    /// What became of a purge that was asked for.
    package enum PurgeResult: Hashable, Sendable {
        case done(receipt: Position)
        case refused(Refusal)
    }

    /// Runs a plan that somebody has seen and counted.
    package func run(_ id: String, count: UInt64, by principal: Principal) throws(ArchiveFailure) -> PurgeResult {
        guard let plan = plans.withLock({ $0.find(id, now: core.now) }) else {
            return .refused(Refusal(.unknown, "there is no plan '\(id)' (any more); make one with PURGE.PLAN"))
        }
        guard plan.messages == count else {
            return .refused(Refusal(.conflict, "the plan is of \(plan.messages) messages, not \(count); nothing was destroyed"))
        }
        guard count > 0 else { return .refused(Refusal(.conflict, "the plan destroys nothing, so there is nothing to run")) }
        if let doubt = try doubtOfClock() { return .refused(.doubted(doubt)) }
        if let hindrance = hindranceOfEscrow() {
            return .refused(Refusal(.failed, "nothing was destroyed, because an escrow could not be replaced: \(hindrance)"))
        }
        defer {
            begin(.idle)
            // What is destroyed is deleted soon after, and what failed is told of, not only when the next look is due.
            ring()
        }
        return try carryOut(plan, by: principal)
    }

    /// Takes a plan through the one door. Stops at the first intent that is refused or withdrawn.
    @discardableResult
    func carryOut(_ plan: PurgePlan, by principal: Principal) throws(ArchiveFailure) -> PurgeResult {
        if let refusal = withdrawOpen() { return .refused(refusal) }
        var last: PurgeResult = .refused(Refusal(.conflict, "there is nothing to destroy"))
        var destroyed: UInt64 = 0
        for (number, intent) in plan.intents().enumerated() {
            // What a plan calls expired that was made while the clock was ahead may not be.
            guard intent.horizonTime <= core.now else {
                let time = intent.horizonTime
                let refusal = Refusal(.conflict, "the plan judges by \(time), still to come: the clock was ahead then; plan again")
                return last.butThen(refusal, destroyed)
            }
            var run = PurgeRun(core, intent) { [self] draft in append(draft, by: principal) }
            while !run.isOver {
                show(run.state)
                do throws(ArchiveFailure) {
                    // Once, and not for each portion of a large plan.
                    try run.advance(flush: number == 0 ? flushFoldInTime : flushFold) { done, total in
                        begin(.evacuating, done: done, total: total)
                    }
                } catch {
                    // Refused, it is tried again at the next look.
                    _ = withdrawOpen()
                    throw error
                }
            }
            switch run.state {
            case .done(let receipt):
                last = .done(receipt: receipt)
                destroyed += intent.messages
                status.withLock { $0.lastReceipt = receipt }
                signing.withLock { $0.isDue = true }
                tell(.purged(receipt: receipt, messages: intent.messages, keys: intent.keyCount))
            case .withdrawn(let receipt):
                tell(.withdrawn(receipt: receipt))
                return last.butThen(run.hindrance ?? .rulesChanged(core.rules.withLock { $0.last }), destroyed)
            case .refused(let refusal): return last.butThen(refusal, destroyed)
            default: break
            }
        }
        return last
    }

    /// Withdraws what was stopped on its way, by a full disk say: no other intent would be let in while it is open, nor a removal. Nothing
    /// else carries a purge out meanwhile. Where keys are gone already nothing is appended any more, and the next start ends it.
    func withdrawOpen() -> Refusal? {
        for (position, intent) in core.rules.withLock({ $0.purges.open }) where intent.keyIDs.allSatisfy({ core.vault.contains($0) }) {
            if case .refused(let refusal) = append(.receipt(intent.withdrawal(at: position)), by: .system) { return refusal }
        }
        return nil
    }

    private func show(_ state: PurgeRun.State) {
        switch state {
        case .planned, .intended: begin(.evacuating)
        default: begin(.shredding)
        }
    }
}

extension Refusal {
    static func doubted(_ doubt: String) -> Refusal {
        Refusal(.denied, "nothing is destroyed while the clock is doubted (\(doubt)); CLOCK.CONFIRM says that it is right")
    }
}

extension PurgeBasis {
    /// What is of this moment or later is not due by it, whatever the rules say.
    fileprivate func end(at now: Instant) -> Instant {
        let expired = now.advanced(byMilliseconds: -Period.shortestMilliseconds)
        return if case .before(let moment) = self { max(moment, expired) } else { expired }
    }
}

extension TailView {
    /// Whether a message in it is of an earlier time.
    fileprivate func hasAny(before moment: Instant) -> Bool {
        batches.contains { batch in batch.entries.contains { $0.kind == .send && $0.at < moment } }
    }
}

extension Upkeep.PurgeResult {
    /// A refusal in the midst of a large plan: what was destroyed before it stays destroyed, and whoever asked is told.
    fileprivate func butThen(_ refusal: Refusal, _ destroyed: UInt64) -> Self {
        guard case .done(let receipt) = self else { return .refused(refusal) }
        return .refused(
            Refusal(
                refusal.code,
                "\(destroyed) messages of the plan were destroyed, the last by the receipt \(receipt), and then it was stopped: \(refusal.sentence)"
            ))
    }
}

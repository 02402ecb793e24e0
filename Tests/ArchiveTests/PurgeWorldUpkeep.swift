import Events
import Projections
import TestSupport
import Testing

@testable import Archive

/// What the world does to the archive as a whole: time, purges, compaction, restarts.
extension PurgeWorld {
    func turn() throws {
        try passTime()
        try round()
        switch Int.random(in: 0..<20, using: &random) {
        case 0: try jump()
        case 1: try restart()
        case 2: _ = try scratch.archive.upkeep.compact(nil, minGainPercent: 0).get()
        case 3..<9: try purge()
        case 9..<14: try tick()
        case 14: try preview()
        default: break
        }
    }

    func passTime() throws {
        let minute: Int64 = 60_000
        let steps = [minute, minute, 59 * minute, 5 * 60 * minute, 30 * 60 * minute, 8 * 24 * 60 * minute, 40 * 24 * 60 * minute]
        scratch.clock.advance(milliseconds: pick(steps) + Int64.random(in: 0..<2, using: &random))
        guard random.chance(of: 1, in: 10) else { return }
        // So little that nobody doubts the clock for it.
        skew.jump(-30 * minute)
        scratch.clock.advance(milliseconds: -30 * minute)
        note("", "the wall clock is set back by half an hour")
    }

    func tick() throws {
        let before = end
        // What is due is looked for in the partitions; a daemon folds several times between two ticks.
        scratch.archive.flush()
        scratch.archive.upkeep.tick()
        try absorb()
        let status = scratch.archive.upkeepStatus()
        note("", "tick\(status.doubt.map { " in doubt: \($0)" } ?? "")")
        try require(status.lastError == nil, "", "\(status.lastError ?? "")")
        if status.doubt != nil {
            try require(end == before, "", "destroyed while the clock was doubted")
            return try settleDoubt()
        }
        try require(try Reclaim(scratch.archive.core).toDo {}.isEmpty, "", "something is left to reclaim")
        for tenant in tenants {
            let view = model.view(of: tenant, at: .init(position: end, time: now))
            for message in view.messages where model.destroyed[message.position] == nil && !view.isHeld(message) {
                let end = view.end(of: message)
                try require(end == .max || end + lag > clock, tenant, "left past the bound: \(message), since \(end) at \(clock)")
            }
        }
    }

    private func settleDoubt() throws {
        guard random.chance(of: 2, in: 3) else { return }
        scratch.appender.rule(.confirmClock(reason: "looked"), by: .user(0), ticket: Ticket(0), now: scratch.clock.now)
        let isMeant = { (event: Event) in if case .clockConfirm = event.deed { true } else { false } }
        try settle([Pending(isMeant: isMeant) { [self] verdict in note("", "confirm: \(verdict)") }])
        // The reading that follows is the one that is believed.
        scratch.archive.upkeep.tick()
        try absorb()
    }

    /// Somebody sets the wall clock, and nothing may be destroyed for it.
    func jump() throws {
        // A reading first: what was set back a little since the last one would make the jump look smaller.
        try tick()
        let far = pick([2, 400 * 24]) * 3_600_000
        skew.jump(Int64(far))
        scratch.clock.advance(milliseconds: Int64(far))
        let before = end
        scratch.archive.upkeep.tick()
        try absorb()
        try require(scratch.archive.upkeepStatus().doubt != nil && end == before, "", "the clock jumped, and nobody doubts it")
        note("", "the wall clock jumps by \(far) and is doubted")
        if random.chance(of: 1, in: 2) {
            skew.jump(-Int64(far))
            scratch.clock.advance(milliseconds: -Int64(far))
        }
        try settleDoubt()
    }

    private func restart() throws {
        if random.chance(of: 1, in: 6) { skew.boot() }
        // What is pending by then may take effect later than what would cool off now.
        if random.chance(of: 1, in: 4) {
            coolOff = pick([1, 2, 7]) * Calendar.day
            scratch.change { $0.coolOffMilliseconds = Int64(coolOff) }
        }
        if random.chance(of: 1, in: 2) {
            note("", "restart")
            try scratch.reopen()
        } else {
            note("", "crash")
            if !mayCrashUnfolded { scratch.archive.flush() }
            try scratch.crash()
        }
        scratch.lendAppender()
        try absorb()
    }

    /// A plan by hand, and often its run.
    func purge() throws {
        let tenant = maybe(4, in: 5, pick(tenants))
        let coverage = coverage(tenant)
        let before = maybe(1, in: 2, pick([oldTime(), clock, Int(Instant.distantFuture.milliseconds)]))
        let basis = before.map { PurgeBasis.before(Instant(milliseconds: Int64($0))) } ?? .expired
        let plan = try scratch.archive.upkeep.plan(coverage: try coverage.real, basis: basis)
        let expected = model.plan(.init(coverage: coverage, before: before, horizon: present))
        try compare(plan, expected, tenant ?? "", "\(coverage) \(basis)")
        if random.chance(of: 1, in: 4) { return note("", "plan without a run") }
        let rules = positionsOfRules.last
        if random.chance(of: 1, in: 3) { try round() }
        let isStale = positionsOfRules.last != rules
        let (planned, count) = (end, plan.messages)
        let result = try scratch.archive.upkeep.run(plan.id, count: count, by: .user(0))
        note("", "run \(coverage) \(basis) of \(count): \(result)")
        try absorb()
        switch result {
        case .done(let receipt): try require(count > 0 && !isStale && Int(receipt.rawValue) == end, "", "was run: stale \(isStale)")
        case .refused(let refusal):
            let isDoubted = scratch.archive.upkeepStatus().doubt != nil
            try require((count == 0 || isStale || isDoubted) && end == planned, "", "was refused: \(refusal.sentence)")
            if isDoubted { try settleDoubt() }
        }
    }

    private func compare(
        _ plan: PurgePlan, _ expected: [PurgeModel.Part: [PurgeModel.Fate: [PurgeModel.Message]]], _ tenant: String, _ what: String
    ) throws {
        func count(_ fate: PurgeModel.Fate) -> UInt64 { expected.values.reduce(0) { $0 + UInt64($1[fate]?.count ?? 0) } }
        let due = expected.compactMapValues { $0[.due] }
        let found = [plan.messages, plan.held, plan.floored, plan.locked, UInt64(plan.partitions), plan.bytes]
        let wanted = [
            count(.due), count(.held), count(.floored), count(.locked), UInt64(Set(due.keys.map(\.partition)).count),
            due.values.joined().reduce(0) { $0 + UInt64($1.body.utf8.count) },
        ]
        let parts = Set(plan.lines.map { PurgeModel.Part(partition: Int($0.line.partition), tenant: $0.line.tenant.text) })
        try require(
            found == wanted && parts == Set(due.keys), tenant, "plan \(what) of due, held, floored, locked, … \(found), not \(wanted)")
    }
}

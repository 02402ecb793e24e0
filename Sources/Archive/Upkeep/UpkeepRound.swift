import Events
import Ledger
import Projections
import Synchronization
import Vault

/// One look at what is to be done, and what is remembered from one to the next. Belongs to upkeep.
struct UpkeepRound {
    private var dueTable = DueTable()
    /// Whether a compaction gave way to a purge since the last one, and whether there was nothing to destroy then: what holds keep may look
    /// due until a plan has looked at it. Then the next one does not give way.
    private var (gaveWay, gaveWayInVain) = (false, false)
    /// The last daily moment that was acted on.
    private var dailyDone: Instant
    private var compactable: Set<PartitionID> = []
    private var filtering = Filtering()
    private var readers = ReaderWatch()
    private var summing = Summing()
    /// Damaged partitions that the log has been told of.
    private var damageTold: Set<PartitionID> = []
    /// When trails were looked at whether their time is over.
    private var trailsLooked = Instant.distantPast
    /// Why the escrow puts a purge off. Nothing else is put off for it.
    private(set) var hindrance: VaultFailure?
    /// Partitions that this look has still to come to, oldest last.
    private var trailsWaiting: [PartitionID] = []

    init(started: Instant) { dailyDone = started }

    mutating func run(_ upkeep: Upkeep) throws(ArchiveFailure) {
        let core = upkeep.core
        hindrance = nil
        _ = try upkeep.doubtOfClock()
        // Refused, it is tried again at the next look.
        _ = upkeep.withdrawOpen()
        try reclaim(upkeep)
        if core.options.purge.isAutomatic, try upkeep.doubtOfClock() == nil { try purge(upkeep) }
        // Behind what must be destroyed in time, and before what may take minutes.
        try core.unreadFilters.read(from: core.store, isStopping: { upkeep.isStopping })
        try measure(upkeep)
        try leaveHangingReaders(upkeep)
        let misfit = try compact(upkeep)
        // Last: whatever holds a removal up holds up nothing that must be destroyed in time.
        try upkeep.finishRemoval()
        if core.options.purge.isAutomatic, try upkeep.doubtOfClock() == nil { try removeTrails(upkeep) }
        try filter(upkeep)
        try sum(upkeep)
        if let misfit { throw misfit }
        upkeep.begin(.idle)
        upkeep.status.withLock { $0.lastError = nil }
    }

    /// Deletes what is destroyed already: also what a crash left behind.
    private mutating func reclaim(_ upkeep: Upkeep) throws(ArchiveFailure) {
        let reclaim = Reclaim(upkeep.core)
        let toDo = try reclaim.toDo(flush: upkeep.flushFold)
        try upkeep.core.store.forEachWhole(toDo.keys.sorted()) { (id) throws(ArchiveFailure) in
            if upkeep.isStopping { return }
            let name = upkeep.core.store.shelf.length.name(of: id)
            upkeep.begin(.reclaiming, name)
            try reclaim.run(id, toDo[id] ?? []) { done in upkeep.begin(.reclaiming, name, done: done) }
            compactable.insert(id)
        }
    }

    private mutating func purge(_ upkeep: Upkeep) throws(ArchiveFailure) {
        let core = upkeep.core
        let now = core.now
        try measure(upkeep)
        let daily = Self.lastDaily(before: now, minute: core.options.purge.dailyMinute)
        let isDaily = daily > dailyDone
        upkeep.status.withLock { $0.nextPurge = Self.nextDaily(after: now, minute: core.options.purge.dailyMinute) }
        guard isDaily || dueTable.isLate(at: now) else { return }
        let partitions = dueTable.due(at: now)
        if !partitions.isEmpty {
            hindrance = upkeep.hindranceOfEscrow()
            if hindrance != nil { return }
            upkeep.begin(.planning)
            let plan = try upkeep.plan(
                coverage: .everything, basis: .expired, of: partitions, patience: core.options.purge.lagMilliseconds)
            let result = try upkeep.carryOut(plan, by: .system)
            gaveWayInVain = gaveWay && plan.lines.isEmpty
            gaveWay = false
            try reclaim(upkeep)
            // Refused, it is still due, and tried again at the next look. Of nothing there is nothing to carry out.
            if case .refused = result, !plan.lines.isEmpty { return }
            dueTable.note(plan.rest)
        }
        dailyDone = daily
    }

    /// Partitions whose trail is over leave. Whether they hold bodies takes a look into each, so not at each round.
    ///
    /// One a round, and the next round follows at once: what was ordered meanwhile, a purge before all, comes in between.
    private mutating func removeTrails(_ upkeep: Upkeep) throws(ArchiveFailure) {
        let (core, now) = (upkeep.core, upkeep.core.now)
        guard upkeep.core.options.purge.trailPeriod != .forever else { return }
        if now >= trailsLooked.advanced(byMilliseconds: 3_600_000) {
            trailsLooked = now
            trailsWaiting = upkeep.core.store.shelf.all.reversed()
        }
        while !upkeep.isStopping, let id = trailsWaiting.popLast() {
            guard core.store.shelf.damage(of: id) == nil, try upkeep.removeIfDue(id, at: now) else { continue }
            compactable.remove(id)
            if !trailsWaiting.isEmpty { upkeep.ring() }
            return
        }
    }

    private mutating func measure(_ upkeep: Upkeep) throws(ArchiveFailure) {
        // What was written to may have more free space than it should: also what was left half compacted the last time.
        let today = upkeep.core.store.partition(of: upkeep.core.now)
        compactable.formUnion(try dueTable.refresh(upkeep.core).filter { $0 < today })
        let now = upkeep.core.now
        let oldest = dueTable.oldestDue.flatMap { $0 <= now ? $0 : nil }
        let open = upkeep.core.rules.withLock { $0.purges.open.count }
        upkeep.status.withLock { status in
            status.oldestExpired = oldest
            status.openIntents = open
        }
    }

    private mutating func filter(_ upkeep: Upkeep) throws(ArchiveFailure) {
        let core = upkeep.core
        let isMore = try filtering.run(core, before: core.store.partition(of: core.now), isStopping: { upkeep.isStopping })
        // In a round of its own: what was ordered meanwhile comes in between.
        if isMore { upkeep.ring() }
    }

    /// Looks for damage in partitions at rest, and writes down what those are that have come to rest.
    private mutating func sum(_ upkeep: Upkeep) throws(ArchiveFailure) {
        let core = upkeep.core
        try summing.compareSome(core) { upkeep.isStopping }
        for (id, error) in core.store.shelf.damaged where damageTold.insert(id).inserted { upkeep.tell(.failed(.store(error))) }
        if try summing.run(core.store, before: core.store.partition(of: core.now), isStopping: { upkeep.isStopping }) { upkeep.ring() }
    }

    /// One whose copy the disk has no room for holds up no other one, nor what follows: those make room. Gives the last of them.
    private mutating func compact(_ upkeep: Upkeep) throws(ArchiveFailure) -> ArchiveFailure? {
        var misfit: ArchiveFailure?
        let core = upkeep.core
        // What is late already, and was not purged, would not be if a compaction gave way.
        if core.options.purge.isAutomatic, !gaveWayInVain, !dueTable.isLate(at: core.now) {
            upkeep.lateWatch.withLock { $0 = LateWatch(dueTable, periodMilliseconds: core.options.purge.tickMilliseconds) }
        }
        defer {
            let watch = upkeep.lateWatch.withLock { watch in
                defer { watch = nil }
                return watch
            }
            gaveWayInVain = false
            if watch?.isLate == true {
                gaveWay = true
                upkeep.ring()
            }
        }
        try core.store.forEachWhole(compactable.sorted()) { (id) throws(ArchiveFailure) in
            if upkeep.isStopping || upkeep.isPurgeLate { return }
            do throws(ArchiveFailure) {
                let report = try upkeep.compact(id, minGainPercent: upkeep.core.options.purge.compactionGainPercent)
                // What was busy is tried again the next time.
                if report.outcome != .busy, report.outcome != .cancelled { compactable.remove(id) }
            } catch {
                guard case .ledger(.full) = error else { throw error }
                misfit = error
            }
        }
        return misfit
    }

    /// Whoever reads the old file goes on reading it, and it grows no more.
    private mutating func leaveHangingReaders(_ upkeep: Upkeep) throws(ArchiveFailure) {
        for id in try upkeep.lookAtReaders(&readers).sorted() where !upkeep.isStopping {
            _ = try upkeep.compact(id, minGainPercent: 0, keepsWritersOut: true)
        }
    }

    static func lastDaily(before now: Instant, minute: Int) -> Instant {
        let offset = Int64(minute) * 60_000
        let day = (now.milliseconds - offset) / Instant.millisecondsPerDay
        return Instant(milliseconds: max(0, day * Instant.millisecondsPerDay + offset))
    }

    static func nextDaily(after now: Instant, minute: Int) -> Instant {
        lastDaily(before: now, minute: minute).advanced(byMilliseconds: Instant.millisecondsPerDay)
    }
}

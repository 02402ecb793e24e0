import Events
import Ledger
import Projections
import Synchronization
import Vault

/// Hands work to the appender's thread: it runs there once everything that waits is committed, and commits what it appends.
package typealias AppenderDoor = @Sendable (_ work: @escaping @Sendable (Appender) -> Void) -> Void

/// What is done besides appending and answering: purges, reclaiming, compaction, and watching the clock. On a thread of its own, one thing
/// after the other.
package final class Upkeep: Sendable {
    let core: Core
    let status = Mutex(UpkeepStatus())
    let plans = Mutex(PlanShelf())
    private let flush: @Sendable (FoldThread.Haste) -> Void
    private let door = Mutex<AppenderDoor?>(nil)
    private let round: Mutex<UpkeepRound>
    private let clockWatch: Mutex<ClockWatch>
    private let queue = UpkeepQueue()
    let signing = Mutex(SigningTurn())
    /// While compactions go on that give way to a purge.
    let lateWatch = Mutex<LateWatch?>(nil)
    private let listener = Mutex<(@Sendable (UpkeepNews) -> Void)?>(nil)
    private let thread = WorkThread(named: "upkeep")

    init(_ core: Core, flush: @escaping @Sendable (FoldThread.Haste) -> Void) throws(ArchiveFailure) {
        self.core = core
        self.flush = flush
        let started = core.clock()
        var `guard` = try ClockNote.read(core)
        `guard`.hear(of: core.rules.withLock { $0.clockConfirmed })
        // Now, and not at the first tick: what goes by in between is told by both clocks.
        let recorded = core.tail.view().recorded
        `guard`.take(core.options.steadyClock(started), recorded: recorded == .distantPast ? nil : recorded)
        let doubt = `guard`.doubt
        status.withLock { status in
            status.doubt = doubt
            status.hasEscrow = core.options.escrow != nil
            status.escrowMadeAt = core.vault.escrowMadeAt
        }
        clockWatch = Mutex(ClockWatch(`guard`))
        round = Mutex(UpkeepRound(started: started))
    }

    /// Starts the thread. Without it nothing happens but what is asked for through `tick`, `run` and `compact`.
    package func start(_ door: @escaping AppenderDoor) {
        attach(door)
        queue.ring()
        do {
            try thread.start {
                WorkThread.stepBack()
                self.work()
            }
        } catch { core.giveUp(error) }  // An archive of which nothing is destroyed in time takes nothing more.
    }

    package func attach(_ door: @escaping AppenderDoor) { self.door.withLock { $0 = door } }

    /// Takes nothing more, and ends what the next start can go on with: a compaction, and the waiting in it. What was asked for before
    /// is answered. Does not wait for that.
    package func beginStopping() { queue.stop() }

    /// Stops after the step at hand: what a purge leaves open the next start ends.
    package func stop() {
        beginStopping()
        thread.join()
        keepEscrow()
        door.withLock { $0 = nil }
    }

    var isStopping: Bool { queue.isStopping }

    func pause(milliseconds: Int) { queue.pause(milliseconds: milliseconds) }

    private func work() {
        while let job = queue.next(waitingMilliseconds: core.options.purge.tickMilliseconds) {
            switch job {
            case .tick: tick()
            case .work(let body): body()
            }
        }
    }

    /// Does something on upkeep's thread, behind what is under way. Refused when too much waits.
    package func submit(_ body: @escaping @Sendable () -> Void) -> Bool { queue.add(body) }

    /// Looks whether something is to be done, and does it.
    package func tick() {
        let hindrance = round.withLock { round in
            do throws(ArchiveFailure) {
                try round.run(self)
            } catch {
                fail(error)
            }
            return round.hindrance
        }
        keepEscrow(purgeHindered: hindrance)
        keepCheckpoint()
    }

    /// Looks at the clock; why it is doubted, if it is.
    func doubtOfClock() throws(ArchiveFailure) -> String? {
        try clockWatch.withLock { (watch) throws(ArchiveFailure) in try watch.look(self) }
    }

    /// Calls `listener` with what happens, on upkeep's thread.
    package func onNews(_ listener: @escaping @Sendable (UpkeepNews) -> Void) { self.listener.withLock { $0 = listener } }

    func tell(_ news: UpkeepNews) { listener.withLock { $0 }?(news) }

    func fail(_ failure: ArchiveFailure) {
        core.store.note(failure)
        // LMDB lets nobody read a file any more of which the last page of a commit could not be written: nothing may be appended then.
        do { _ = try core.store.progress() } catch { core.giveUp(error) }
        tell(.failed(failure))
        begin(.idle)
        status.withLock { $0.lastError = "\(failure)" }
    }

    func begin(_ activity: UpkeepStatus.Activity, _ partition: String? = nil, done: Int = 0, total: Int = 0) {
        let now = core.clock()
        status.withLock { status in
            if status.activity != activity { status.started = activity == .idle ? nil : now }
            status.activity = activity
            status.partition = partition
            status.done = done
            status.total = total
        }
    }

    /// A step of a purge, taken on the appender's thread. Returns when it is on disk, or refused.
    func append(_ draft: PurgeDraft, by principal: Principal) -> Verdict {
        guard let door = door.withLock({ $0 }) else { preconditionFailure("nobody appends because upkeep has no door to the appender") }
        if draft.goesByTheClock, let refusal = refusalOfClock() { return .refused(refusal) }
        let answer = Answer<Verdict>()
        let clock = core.clock
        door { appender in
            appender.purge(draft, by: principal, ticket: Ticket(0), now: clock())
            appender.commit { _, verdict in answer.give(verdict) }
        }
        return answer.wait()
    }

    /// Whatever was decided before, and however long ago.
    private func refusalOfClock() -> Refusal? {
        do { return try doubtOfClock().map(Refusal.doubted) } catch {
            return Refusal(.failed, "nothing is destroyed, because the look at the clock could not be noted: \(error)")
        }
    }

    /// Looks again as soon as what is under way is done.
    package func ring() { queue.ring() }

    func flushFold() { flush(.now) }

    /// For whom it need not be this second: the first fold of a purge.
    func flushFoldInTime() { flush(.inTime) }
}

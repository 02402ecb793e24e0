import Archive
import Events
import Logging
import NIOCore
import NIOPosix

/// Where the sessions of a loop meet the archive: drives the appender, hands questions to other threads, and knows who is here.
///
/// Belongs to the event loop's thread, as the appender does; a commit blocks the loop for its one sync, while the
/// sockets gather the next batch in the kernel. Measured: faster at every number of clients than a thread of its own.
final class Desk {
    let options: ReceptionOptions
    let archive: Archive
    let appender: Appender
    let loop: any EventLoop
    let logger: Logger
    let started: Instant
    let pool: NIOThreadPool
    private let clock: @Sendable () -> Instant

    /// Sessions with appends in the open batch; a ticket names a place in here.
    private var batch: [SessionHandler] = []
    /// Memory for the next batch's list.
    private var spare: [SessionHandler] = []
    private var isCommitDue = false
    /// The batch's time, read once.
    private var batchTime: Instant?

    private var gate = IntakeGate()
    private var stalled: [SessionHandler] = []
    private var resumable: [SessionHandler] = []
    /// Sessions that wait until keys are destroyed.
    var waitingForRules: [SessionHandler] = []
    private var isResumeDue = false
    /// Commits since the loop last looked at its sockets.
    private var commitsInTick = 0

    /// Everybody who is connected; each knows its place in here.
    var sessions: [SessionHandler] = []
    var followers: [ObjectIdentifier: Follower] = [:]
    /// Questions that wait for a thread, and how many are with one.
    var questions = CircularBuffer<Question>()
    var questionsUnderWay = 0
    var numbers = DeskNumbers()
    /// What all sessions hold of input that is not executed yet.
    var inputBytes = 0
    /// The log knows that nothing can be appended any more.
    private var isTroubleTold = false
    /// Fulfilled when the last session is gone, once draining has begun.
    var drained: EventLoopPromise<Void>?
    /// Called when an administrator asks the daemon to stop.
    var onShutdown: () -> Void = {}

    init(
        options: ReceptionOptions, archive: Archive, appender: Appender, loop: any EventLoop, pool: NIOThreadPool, logger: Logger,
        clock: @escaping @Sendable () -> Instant
    ) {
        self.options = options
        self.archive = archive
        self.appender = appender
        self.loop = loop
        self.pool = pool
        self.logger = logger
        self.clock = clock
        started = clock()
        let desk = NIOLoopBound(self, eventLoop: loop)
        archive.onFold { loop.execute { desk.value.folded() } }
        startUpkeep()
    }
}

/// Appends.
extension Desk {
    /// What becomes of an append that a session is about to make.
    enum Admission { case admit, commitFirst, stall, busy }

    func admission() -> Admission {
        switch appender.room {
        case .open: return .admit
        case .batchFull where appender.isPending: return .commitFirst
        case .batchFull, .tailFull: break
        }
        switch gate.turnBack() {
        case .busy: return .busy
        case .stall(let timer):
            if let timer { startStallTimer(timer) }
            return .stall
        }
    }

    /// The time that a batch's events get. One reading a batch: they become durable together.
    var now: Instant {
        if let batchTime, !batch.isEmpty { return batchTime }
        let now = clock()
        batchTime = now
        return now
    }

    var uptimeSeconds: Int { Int((clock().milliseconds - started.milliseconds) / 1000) }

    /// The session's place in the open batch, from its first append in it.
    func join(_ session: SessionHandler) -> Int {
        batch.append(session)
        if !isCommitDue {
            isCommitDue = true
            // Behind everything that is readable in this tick: so a batch gathers by itself, and a lone client waits for nobody.
            let desk = NIOLoopBound(self, eventLoop: loop)
            loop.execute { desk.value.commitAtEndOfTick() }
        }
        return batch.count - 1
    }

    private func commitAtEndOfTick() {
        isCommitDue = false
        commit()
    }

    /// Makes durable what is admitted, and answers it.
    func commit() {
        guard appender.isPending else { return }
        numbers.commits += 1
        commitsInTick += 1
        appender.commit { ticket, verdict in
            batch[ticket.place].deliver(verdict, as: ticket.answer)
        }
        var settled = spare
        spare = []
        swap(&settled, &batch)
        for session in settled { session.settle() }
        settled.removeAll(keepingCapacity: true)
        spare = settled
        wakeFollowers()
        tellTrouble()
    }
}

/// Trouble of the archive's.
extension Desk {
    /// Says once that nothing can be appended any more.
    func tellTrouble() {
        guard !isTroubleTold, let trouble = archive.trouble else { return }
        isTroubleTold = true
        logger.critical("nothing is appended any more; reads go on", metadata: ["trouble": "\(trouble)"])
    }
}

/// Sessions that wait.
extension Desk {
    func wait(forRoom session: SessionHandler) { stalled.append(session) }

    /// Whether all sessions together hold so much input that those who wait are not read any further.
    /// What each connection may hold when all hold too much: somebody holds more than that.
    var inputShareBytes: Int { options.inputBytesTotalMax / max(1, sessions.count) }

    var isInputFull: Bool { inputBytes > options.inputBytesTotalMax }

    /// Goes on with a session once the present work of the loop is done.
    func resume(_ session: SessionHandler) {
        resumable.append(session)
        guard !isResumeDue else { return }
        isResumeDue = true
        let desk = NIOLoopBound(self, eventLoop: loop)
        // The loop looks at its sockets only when it has no more tasks. A pipeline that mixes appends and questions makes a commit
        // of each append; every few of them the others get their turn.
        if commitsInTick < Self.commitsInTickMax {
            loop.execute { desk.value.resumeAll() }
        } else {
            loop.scheduleTask(in: .microseconds(50)) {
                desk.value.hasLookedAtSockets()
                desk.value.resumeAll()
            }
        }
    }

    private static let commitsInTickMax = 8

    func hasLookedAtSockets() { commitsInTick = 0 }

    private func resumeAll() {
        isResumeDue = false
        let sessions = resumable
        resumable.removeAll(keepingCapacity: true)
        for session in sessions { session.goOn() }
    }

    private func startStallTimer(_ timer: Int) {
        logger.debug("the fold is behind; appends wait")
        let desk = NIOLoopBound(self, eventLoop: loop)
        loop.scheduleTask(in: .milliseconds(Int64(options.stallMilliseconds))) { desk.value.giveUpWaiting(timer) }
    }

    private func giveUpWaiting(_ timer: Int) {
        guard gate.expire(timer) else { return }
        logger.warning("the fold is behind for too long; appends are answered BUSY")
        unstall()
    }

    private func folded() {
        // Also where nobody appends.
        tellTrouble()
        guard appender.room != .tailFull else { return }
        switch gate.open() {
        case .wasOpen: return
        case .endsWaiting: logger.debug("the fold has caught up")
        case .endsRefusing: logger.notice("the fold has caught up")
        }
        unstall()
    }

    private func unstall() {
        let sessions = stalled
        stalled.removeAll(keepingCapacity: true)
        for session in sessions { session.unstall() }
    }
}

/// A ticket is a place in the batch and the way to answer.
extension Ticket {
    init(place: Int, answer: AppendAnswer) {
        self.init(UInt64(place) << 8 | UInt64(answer.rawValue))
    }

    fileprivate var place: Int { Int(rawValue >> 8) }

    fileprivate var answer: AppendAnswer {
        guard let answer = AppendAnswer(rawValue: UInt8(truncatingIfNeeded: rawValue)) else {
            preconditionFailure("a ticket came back changed, because the appender gave another one")
        }
        return answer
    }
}

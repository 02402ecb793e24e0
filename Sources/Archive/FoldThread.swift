import Dispatch
import Events
import LMDB
import Ledger
import Projections
import Synchronization

/// The one thread on which partitions and state are written: gathers for a while, then folds all that waits.
///
/// Without a thread of its own it is whoever flushes.
final class FoldThread: Sendable {
    private let core: Core
    private let hasThread: Bool
    /// Where there is no thread. Nobody waits for it, since there is only the one who flushes.
    private let callersFold: Mutex<Fold>
    private let bell = Bell()
    private let control = Mutex(Control())
    private let thread = WorkThread(named: "fold")

    private struct Control {
        var isStopping = false
        var isUrgent = false
        var isDone = false
        var waiters: [Bell] = []
        var listener: (@Sendable () -> Void)?
    }

    /// How soon somebody needs what is journaled to be folded.
    enum Haste {
        case now
        /// With the fold that comes anyway, if it comes soon: a fold more than there would be is most of what appends feel of a purge.
        case inTime
    }

    /// After a failure that may pass, such as a full disk or readers in all slots, the fold waits so long before it tries again.
    private static let retryMilliseconds = 1000
    /// Folds that come less often are nothing to wait for.
    private static let regularMilliseconds = 2000
    private static let patienceMilliseconds = 700
    /// Nobody feels a fold of so little.
    private static let smallBytes = 1 << 20

    init(_ core: Core) {
        self.core = core
        hasThread = core.options.threads == .own
        callersFold = Mutex(Fold(store: core.store, growsTree: core.options.audit.growsTree))
    }

    func start() throws(ArchiveFailure) { if hasThread { try thread.start { self.run() } } }

    /// Something waits: `bytes` in all.
    func notice(bytes: Int, isFirst: Bool) {
        let isUrgent = bytes >= core.options.foldStepBytes
        if isUrgent {
            let wasUrgent = control.withLock { control in
                defer { control.isUrgent = true }
                return control.isUrgent
            }
            if !wasUrgent { bell.signal() }
        } else if isFirst {
            bell.signal()
        }
    }

    func onFold(_ listener: @escaping @Sendable () -> Void) { control.withLock { $0.listener = listener } }

    /// Waits until all that is journaled now is folded, or the fold has given up.
    func flush(_ haste: Haste = .now) {
        guard hasThread else { return foldHere() }
        let isRegular = core.options.foldMilliseconds <= Self.regularMilliseconds
        if haste == .inTime, isRegular, core.tail.bytes > Self.smallBytes { waitInTime() } else { wait { $0.isUrgent = true } }
    }

    private func waitInTime() {
        guard let done = beginWaiting({ _ in }) else { return }
        if done.wait(milliseconds: Self.patienceMilliseconds) { return }
        let isWaiting = control.withLock { control in
            let isWaiting = control.waiters.contains { $0 === done }
            control.isUrgent = control.isUrgent || isWaiting
            return isWaiting
        }
        // Otherwise it is being folded.
        if isWaiting { bell.signal() }
        done.wait()
    }

    /// Folds what is left and ends the thread. When this returns, the thread holds no file any more.
    func stop() {
        guard hasThread else { return foldHere() }
        wait { $0.isStopping = true }
        thread.join()
    }

    private func foldHere() {
        if control.withLock({ $0.isDone }) { return }
        let isFolded = callersFold.withLock { foldAll(&$0) }
        if !isFolded, hasGivenUp { end() }
    }

    private func wait(_ change: (inout Control) -> Void) { beginWaiting(change)?.wait() }

    /// Nil if nothing will be folded any more. Otherwise it is signalled behind the next fold that begins.
    private func beginWaiting(_ change: (inout Control) -> Void) -> Bell? {
        let done = Bell()
        let isOver = control.withLock { control in
            change(&control)
            if !control.isDone { control.waiters.append(done) }
            return control.isDone
        }
        if isOver { return nil }
        bell.signal()
        return done
    }

    private func run() {
        var fold = Fold(store: core.store, growsTree: core.options.audit.growsTree)
        while true {
            gather()
            let waiters = control.withLock { control in
                control.isUrgent = false
                defer { control.waiters = [] }
                return control.waiters
            }
            let isStopping = control.withLock { $0.isStopping }
            let isFolded = foldAll(&fold)
            for waiter in waiters { waiter.signal() }
            if isStopping || !isFolded && hasGivenUp { return end() }
            if !isFolded { _ = bell.wait(milliseconds: Self.retryMilliseconds) }
        }
    }

    /// Returns when it is time to fold: much waits, or something has waited long enough, or somebody asks for it.
    private func gather() {
        if isDue { return }
        if core.tail.isEmpty { rest() }
        let deadline = DispatchTime.now() + .milliseconds(core.options.foldMilliseconds)
        while !isDue, bell.wait(until: deadline) {}
    }

    /// Waits for something to fold. While appends are refused for want of room nobody rings, and somebody else may take the last of it:
    /// so the room is looked at now and then.
    private func rest() {
        if !bell.wait(milliseconds: Self.retryMilliseconds) { core.measureDisk() }
    }

    private var isDue: Bool { control.withLock { $0.isUrgent || $0.isStopping } }
    private var hasGivenUp: Bool { core.trouble.withLock { $0 != nil } }

    /// Folds what waits now, in slices, so that the appender gets room back early. Returns whether all of it is folded.
    private func foldAll(_ fold: inout Fold) -> Bool {
        core.measureDisk()
        let end = core.tail.end
        while true {
            let slice = core.tail.view().slice(ofBytes: core.options.foldStepBytes, through: end)
            guard let last = slice.last?.last else { return true }
            do {
                try fold.run(slice)
            } catch {
                core.store.note(error)
                if error.mayPass { return false }
                core.giveUp(error)
                // Whoever waits for room, or only asks, is to hear of it.
                control.withLock { $0.listener }?()
                return false
            }
            core.tail.drop(through: last)
            core.folds.add(1, ordering: .relaxed)
            control.withLock { $0.listener }?()
        }
    }

    private func end() {
        let waiters = control.withLock { control in
            control.isDone = true
            defer { control.waiters = [] }
            return control.waiters
        }
        for waiter in waiters { waiter.signal() }
    }
}

extension ArchiveFailure {
    /// Whether the same step may work later: when somebody has made room, or let go of a reader's slot.
    var mayPass: Bool { storeError?.kind == .noSpace || storeError?.kind == .readersFull }
}

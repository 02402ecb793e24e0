import Synchronization

/// Does one small thing after the other, on a thread of its own, for somebody who must not wait.
///
/// What waits needs no bound: the journal gives the next thing when the last one is done.
final class Errands: Sendable {
    private struct Queue {
        var works: [@Sendable () -> Void] = []
        var isStopping = false
    }

    private let queue = Mutex(Queue())
    private let bell = Bell()
    private let thread: WorkThread

    init(named name: String) { thread = WorkThread(named: name) }

    /// What was given before is done from now on.
    func start() throws(ArchiveFailure) { try thread.start { self.run() } }

    func add(_ work: @escaping @Sendable () -> Void) {
        queue.withLock { $0.works.append(work) }
        bell.signal()
    }

    /// Returns when all is done that was given before.
    func settle() {
        let done = Bell()
        add { done.signal() }
        done.wait()
    }

    /// Does what is left and ends the thread.
    func stop() {
        queue.withLock { $0.isStopping = true }
        bell.signal()
        thread.join()
    }

    private func run() {
        while true {
            let (works, isStopping) = queue.withLock { queue in
                defer { queue.works = [] }
                return (queue.works, queue.isStopping)
            }
            for work in works { work() }
            if works.isEmpty, isStopping { return }
            if works.isEmpty { bell.wait() }
        }
    }
}

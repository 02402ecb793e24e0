import Glibc
import Synchronization

/// A thread of our own, with a name for whoever looks at the daemon's threads. It runs one function to its end.
final class WorkThread: Sendable {
    private let name: String
    private let body = Mutex<(@Sendable () -> Void)?>(nil)
    private let thread = Mutex<pthread_t?>(nil)

    init(named name: String) { self.name = name }

    /// Throws `.folder` when the system has no thread left.
    func start(_ work: @escaping @Sendable () -> Void) throws(ArchiveFailure) {
        body.withLock { $0 = work }
        var started = pthread_t()
        let context = Unmanaged.passRetained(self)
        let code = pthread_create(
            &started, nil,
            { context in
                guard let context else { return nil }
                Unmanaged<WorkThread>.fromOpaque(context).takeRetainedValue().run()
                return nil
            }, context.toOpaque())
        guard code == 0 else {
            context.release()
            body.withLock { $0 = nil }
            let reason = String(cString: strerror(code))
            throw .folder(
                path: "the thread '\(name)'", reason: "does not start (\(reason)); raise the limit of threads (ulimit -u, TasksMax)")
        }
        thread.withLock { $0 = started }
    }

    /// Waits until the function has ended. When this returns, the thread holds nothing any more.
    func join() {
        let ending = thread.withLock { thread in
            defer { thread = nil }
            return thread
        }
        if let ending { pthread_join(ending, nil) }
    }

    private func run() {
        // Swift's Glibc module lacks `pthread_setname_np`; that it may fail is all the same.
        let file = open("/proc/thread-self/comm", O_WRONLY | O_CLOEXEC)
        if file >= 0 {
            _ = write(file, name, name.utf8.count)
            close(file)
        }
        // Taken out, so that the work's own references end with it.
        let work = body.withLock { body in
            defer { body = nil }
            return body
        }
        work?()
    }

    /// Lets all other threads of the machine go first. Linux keeps this for each thread by itself.
    static func stepBack() { _ = setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, 10) }
}

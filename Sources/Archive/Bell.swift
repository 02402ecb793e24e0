import Dispatch
import Glibc

/// A counting bell. Waits for it end by the clock that nobody sets: those of Dispatch's semaphore end by the wall clock on Linux, and one
/// that is set back by a day makes them a day longer.
///
/// Sendable, because all that changes is behind its lock.
final class Bell: @unchecked Sendable {
    private let lock = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var signals = 0

    init() {
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(condition, &attributes)
        pthread_condattr_destroy(&attributes)
        pthread_mutex_init(lock, nil)
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(lock)
        condition.deallocate()
        lock.deallocate()
    }

    func signal() {
        pthread_mutex_lock(lock)
        signals += 1
        pthread_cond_signal(condition)
        pthread_mutex_unlock(lock)
    }

    /// Takes one signal, and waits for it if need be.
    func wait() {
        pthread_mutex_lock(lock)
        while signals == 0 { pthread_cond_wait(condition, lock) }
        signals -= 1
        pthread_mutex_unlock(lock)
    }

    /// Takes one signal; false if there is none until then.
    func wait(until end: DispatchTime) -> Bool {
        // Linux counts both from the machine's start, sleep left out.
        let time = timespec(tv_sec: Int(end.uptimeNanoseconds / 1_000_000_000), tv_nsec: Int(end.uptimeNanoseconds % 1_000_000_000))
        pthread_mutex_lock(lock)
        defer { pthread_mutex_unlock(lock) }
        var code: Int32 = 0
        while signals == 0, code == 0 { code = withUnsafePointer(to: time) { pthread_cond_timedwait(condition, lock, $0) } }
        if signals == 0 { return false }
        signals -= 1
        return true
    }

    /// Takes one signal; false if none comes for so long.
    func wait(milliseconds: Int) -> Bool { wait(until: .now() + .milliseconds(milliseconds)) }
}

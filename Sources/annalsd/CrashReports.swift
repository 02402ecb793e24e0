import Foundation
import Glibc

/// What a core dump of the daemon holds.
enum CrashReports {
    /// Leaves memory out of core dumps: bodies pass through it on their way, and no crash report may hold one. Registers and the threads'
    /// state stay; `core(5)` describes the filter, and debuggers that write core dumps of a living process follow it as well.
    ///
    /// Swift's own crash reporter writes registers, and memory behind them, to standard error: in the midst of a seal that may be a key.
    /// So these signals end the process as the system does it.
    static func leaveOutContent() throws(StartFailure) {
        for number in [SIGABRT, SIGSEGV, SIGILL, SIGBUS, SIGFPE, SIGTRAP] { signal(number, SIG_DFL) }
        let path = "/proc/self/coredump_filter"
        let file = open(path, O_WRONLY | O_CLOEXEC)
        guard file >= 0, write(file, "0", 1) == 1, close(file) == 0 else {
            throw .failed("\(path) cannot be written (\(String(cString: strerror(errno)))), so a core dump could hold messages")
        }
    }
}

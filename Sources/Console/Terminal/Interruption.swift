import Glibc
import Synchronization

/// What Ctrl-C does. Nothing here changes the terminal's mode, so there is nothing to put back but a colour.
package enum Interruption {
    private static let flag = Atomic<Bool>(false)

    /// Whether Ctrl-C was pressed since `beginNoting`.
    package static var isAsked: Bool { flag.load(ordering: .relaxed) }

    /// From now on Ctrl-C is noted, and a read that waits comes back; the work ends at its next seam. A second Ctrl-C ends the process.
    package static func beginNoting() {
        // The flag exists before a handler may need it: making it inside one would not be safe.
        flag.store(false, ordering: .relaxed)
        for signal in [SIGINT, SIGTERM] {
            var action = sigaction()
            action.__sigaction_handler.sa_handler = { _ in Interruption.flag.store(true, ordering: .relaxed) }
            // Without SA_RESTART, so that a read from a pipe ends with EINTR.
            action.sa_flags = Int32(bitPattern: UInt32(SA_RESETHAND))
            sigaction(signal, &action, nil)
        }
    }

    /// From now on Ctrl-C ends the process at once and with success: whoever follows the log has no other way to stop.
    package static func endOnSignal() {
        for number in [SIGINT, SIGTERM] {
            signal(number) { _ in
                // Both calls are among those that a handler may make (signal-safety(7)).
                if isatty(STDOUT_FILENO) == 1 { Glibc.write(STDOUT_FILENO, "\u{1B}[0m\n", 5) }
                _exit(0)
            }
        }
    }

    /// A pipe whose reader is gone is told by the write, not by a signal.
    package static func ignoreBrokenPipes() {
        signal(SIGPIPE, SIG_IGN)
    }
}

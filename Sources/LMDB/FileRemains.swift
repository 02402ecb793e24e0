import CLMDB
import Glibc

/// What is left of a file that has no name any more: its blocks, which the system takes back when the last who has it open closes it.
///
/// It takes them at one go, and of a file of gigabytes that holds up every `fdatasync` of the file system for a tenth of a second. So whoever
/// replaced a file keeps its remains, lets go of the environment, and gives them back step by step.
package final class FileRemains: Sendable {
    private let descriptor: CInt
    private static let stepBytes = 16 << 20
    private static let setLease: CInt = 1024  // F_SETLEASE of linux/fcntl.h; Glibc's module does not have it.

    /// Of a file that is open now; nil where the system has no descriptor left, and then the blocks go at one go.
    package init?(of environment: Environment) {
        var original: CInt = -1
        guard unsafe mdb_env_get_fd(environment.handle.raw, &original) == MDB_SUCCESS else { return nil }
        let copy = fcntl(original, F_DUPFD_CLOEXEC, 0)
        guard copy >= 0 else { return nil }
        descriptor = copy
    }

    deinit { close(descriptor) }

    /// Gives all blocks back, the last ones first, and calls `pause` between the steps. False, with nothing done, if the file has a name, or
    /// anybody else still has it open: to him, also if he is another process, it must stay as it is.
    package func giveBack(pause: () -> Void) -> Bool {
        var found = stat()
        guard unsafe fstat(descriptor, &found) == 0, found.st_nlink == 0, isOurs else { return false }
        var bytes = Int(found.st_size)
        while bytes > 0 {
            bytes = max(0, bytes - Self.stepBytes)
            guard ftruncate(descriptor, bytes) == 0 else { return false }
            if bytes > 0 { pause() }
        }
        return true
    }

    /// Whether no other description of the file is open anywhere. fcntl(2): a write lease can be had only then; and a file without a name
    /// cannot be opened again.
    private var isOurs: Bool {
        guard fcntl(descriptor, Self.setLease, F_WRLCK) == 0 else { return false }
        _ = fcntl(descriptor, Self.setLease, F_UNLCK)
        return true
    }
}

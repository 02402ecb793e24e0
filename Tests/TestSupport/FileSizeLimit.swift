import Foundation

/// Runs `body` while no file of this process may grow past `bytes`. For exit tests: the limit is the whole process's.
package func limitFileSize(bytes: Int, _ body: () throws -> Void) throws {
    signal(SIGXFSZ, SIG_IGN)  // The write is then refused with EFBIG instead.
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0 else { throw POSIXError(.EIO) }
    let before = limit
    limit.rlim_cur = rlim_t(bytes)
    guard setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0 else { throw POSIXError(.EIO) }
    defer {
        limit = before
        setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
    }
    try body()
}

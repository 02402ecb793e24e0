import Foundation

/// Runs `body` in a process whose files may not grow past `bytes`. For exit tests: the limit is the whole process's.
func limitFileSize(bytes: UInt, _ body: () throws -> Void) throws {
    signal(SIGXFSZ, SIG_IGN)  // the write is then refused with EFBIG instead
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

/// Forks, runs `body` in the child, and gives back what it said. For exit tests: few threads are alive there.
func fork(_ body: () throws -> Bool) throws -> Bool {
    // Swift hides fork(), because a child may do little. This one does little.
    typealias Fork = @convention(c) () -> pid_t
    guard let symbol = dlsym(nil, "fork") else { throw POSIXError(.ENOSYS) }
    let child = unsafeBitCast(symbol, to: Fork.self)()
    if child == 0 {
        var isGood = false
        do { isGood = try body() } catch { print("in the child: \(error)") }
        _exit(isGood ? 0 : 1)
    }
    var status: CInt = 0
    guard child > 0, waitpid(child, &status, 0) == child else { throw POSIXError(.ECHILD) }
    return status == 0
}

/// A disk of a few blocks, in memory, mounted for one test.
struct SmallDisk: ~Copyable {
    private let path: String

    /// Whether this process may mount one.
    static let isPossible: Bool = {
        do {
            let folder = try TemporaryFolder()
            try SmallDisk(at: folder.path, bytes: 64 << 10).keep()
            return true
        } catch { return false }
    }()

    init(at path: String, bytes: Int) throws {
        guard try Self.run(["mount", "-t", "tmpfs", "-o", "size=\(bytes)", "annals-test", path]) else { throw POSIXError(.EPERM) }
        self.path = path
    }

    deinit {
        do { _ = try Self.run(["umount", "-l", path]) } catch { print("left mounted: \(path): \(error)") }
    }

    /// Keeps the disk until here.
    borrowing func keep() {}

    private static func run(_ words: [String]) throws -> Bool {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = words
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        return process.terminationStatus == 0
    }
}

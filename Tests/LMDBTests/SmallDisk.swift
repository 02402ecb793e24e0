import Foundation
import TestSupport

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

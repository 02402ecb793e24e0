import Foundation

/// A folder for one test, gone with its last user.
package final class TemporaryFolder: Sendable {
    package let path: String

    package convenience init() throws { try self.init(in: FileManager.default.temporaryDirectory.path) }

    /// With a short path, whatever `TMPDIR` says: a socket's has room for 107 bytes.
    package static func forSockets() throws -> TemporaryFolder { try TemporaryFolder(in: "/tmp") }

    /// In memory, where the system has a file system for that with room enough: what is written there needs no disk to be synced.
    package static func inMemory() throws -> TemporaryFolder {
        var found = statvfs()
        let path = "/dev/shm"
        guard statvfs(path, &found) == 0, UInt64(found.f_bavail) * UInt64(found.f_frsize) >= 1 << 30 else { return try TemporaryFolder() }
        return try TemporaryFolder(in: path)
    }

    private init(in parent: String) throws {
        var name = Array("\(parent)/annals-XXXXXX".utf8CString)
        guard mkdtemp(&name) != nil else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
        path = String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit {
        do { try FileManager.default.removeItem(atPath: path) } catch { print("left behind: \(path): \(error)") }
    }

    package func file(_ name: String) -> String { "\(path)/\(name)" }

    /// The names of the files in it, sorted, without those that LMDB keeps beside its own.
    package func names() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: path).filter { !$0.hasSuffix("-lock") }.sorted()
    }
}

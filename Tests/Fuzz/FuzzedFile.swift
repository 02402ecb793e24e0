import Glibc
import TestSupport

/// Files in memory, for decoders that want one.
enum FuzzedFile {
    /// Goes with its folder, which `Deploy/fuzz.sh` makes and removes.
    private static let folder = certain { try TemporaryFolder() }

    static var home: String { folder.path }

    static func place(_ name: String) -> String { folder.file(name) }

    static func write(_ bytes: [UInt8], to path: String) {
        let file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        defer { close(file) }
        promise(file >= 0 && Glibc.write(file, bytes, bytes.count) == bytes.count, "\(path) cannot be written: \(errno)")
    }

    static func read(_ path: String) -> [UInt8] {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        defer { close(file) }
        let count = lseek(file, 0, SEEK_END)
        promise(file >= 0 && count >= 0, "\(path) cannot be read: \(errno)")
        var bytes = [UInt8](repeating: 0, count: count)
        promise(pread(file, &bytes, count, 0) == count, "\(path) cannot be read: \(errno)")
        return bytes
    }
}

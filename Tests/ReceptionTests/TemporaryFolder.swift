import Foundation

/// A folder that goes with its last user. Directly in `/tmp`: a socket's path has room for 107 bytes.
final class TemporaryFolder: Sendable {
    let path: String

    init() throws {
        var name = Array("/tmp/annals-XXXXXX".utf8CString)
        guard mkdtemp(&name) != nil else { throw POSIXError(.EIO) }
        path = String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit {
        do { try FileManager.default.removeItem(atPath: path) } catch { print("left behind: \(path): \(error)") }
    }
}

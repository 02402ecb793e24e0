import Foundation

/// A folder for one test, gone when the test is.
final class TemporaryFolder: Sendable {
    let path: String

    init() throws {
        var name = Array("\(NSTemporaryDirectory())/annals-projections-XXXXXX".utf8CString)
        guard mkdtemp(&name) != nil else { throw POSIXError(.EIO) }
        path = String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit {
        do { try FileManager.default.removeItem(atPath: path) } catch { print("left behind: \(path): \(error)") }
    }

    func file(_ name: String) -> String { "\(path)/\(name)" }

    /// The names of the files in it, sorted, without those that LMDB keeps beside its own.
    func names() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: path).filter { !$0.hasSuffix("-lock") }.sorted()
    }
}

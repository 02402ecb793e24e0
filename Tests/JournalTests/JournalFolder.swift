import Foundation
import TestSupport

/// What a test does to a journal's files; there are none at first.
extension TemporaryFolder {
    var journal: String { file("journal") }

    /// The folder's files by name.
    func files() throws -> [String: [UInt8]] {
        var files: [String: [UInt8]] = [:]
        for name in try FileManager.default.contentsOfDirectory(atPath: journal) {
            files[name] = Array(try Data(contentsOf: URL(filePath: "\(journal)/\(name)")))
        }
        return files
    }

    /// Makes the folder hold these files and no others.
    func replace(with files: [String: [UInt8]]) throws {
        if FileManager.default.fileExists(atPath: journal) { try FileManager.default.removeItem(atPath: journal) }
        try FileManager.default.createDirectory(atPath: journal, withIntermediateDirectories: false)
        for (name, bytes) in files { try put(bytes, in: name) }
    }

    /// Writes a whole file.
    func put(_ bytes: [UInt8], in name: String) throws {
        try Data(bytes).write(to: URL(filePath: "\(journal)/\(name)"))
    }

    /// Writes over a part of a file, as a disk would: the length stays.
    func patch(_ name: String, at offset: Int, _ bytes: [UInt8]) throws {
        let descriptor = open("\(journal)/\(name)", O_WRONLY)
        defer { close(descriptor) }
        guard pwrite(descriptor, bytes, bytes.count, offset) == bytes.count else { throw POSIXError(.EIO) }
    }

    func cut(_ name: String, to length: Int) throws {
        guard truncate("\(journal)/\(name)", length) == 0 else { throw POSIXError(.EIO) }
    }
}

/// The name of the segment file of a generation.
func segmentName(_ generation: Int) -> String {
    String(repeating: "0", count: 16 - String(generation).count) + "\(generation).aj"
}

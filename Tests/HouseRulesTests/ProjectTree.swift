import Foundation

/// The project's own files: those that git keeps or would keep, and without git all but what is built.
struct ProjectTree: Sendable {
    let root: String
    /// Relative to the root, sorted.
    let paths: [String]

    /// The Swift files of the package and of its benchmarks, taken apart.
    let swiftSources: [SwiftSource]

    /// The tree that this file is in, read once.
    static func ofThisPackage() throws -> ProjectTree { try shared.get() }

    private static let shared = Result { try ProjectTree(around: #filePath) }

    /// Whatever the working directory is, and through whatever link the package is built.
    private init(around file: String) throws {
        let here = URL(filePath: file).resolvingSymlinksInPath()
        let root = here.deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path
        let paths = try Self.gitPaths(root) ?? Self.walkedPaths(root)
        self.root = root
        self.paths = paths.filter { FileManager.default.fileExists(atPath: "\(root)/\($0)") }.sorted()
        swiftSources = try self.paths.filter { $0.hasSuffix(".swift") }.compactMap { path in
            try Self.text(of: "\(root)/\(path)").map { SwiftSource(path: path, text: $0) }
        }
    }

    /// The file's text; nil for one that is not text.
    func text(_ path: String) throws -> String? { try Self.text(of: "\(root)/\(path)") }

    private static func text(of file: String) throws -> String? {
        let bytes = try Data(contentsOf: URL(filePath: file))
        return bytes.contains(0) ? nil : String(validating: bytes, as: UTF8.self)
    }
}

extension ProjectTree {
    /// Nil where there is no git, or where the tree is not its own (a copy inside of another project, for one).
    private static func gitPaths(_ root: String) throws -> [String]? {
        let git = Process()
        git.executableURL = URL(filePath: "/usr/bin/env")
        git.arguments = ["git", "-C", root, "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
        let output = Pipe()
        git.standardOutput = output
        git.standardError = FileHandle.nullDevice
        try git.run()
        let listed = try output.fileHandleForReading.readToEnd() ?? Data()
        git.waitUntilExit()
        guard git.terminationStatus == 0 else { return nil }
        let paths = listed.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
        return paths.contains("Package.swift") ? paths : nil
    }

    static func walkedPaths(_ root: String) throws -> [String] {
        try FileManager.default.subpathsOfDirectory(atPath: root).filter { path in
            var isFolder: ObjCBool = false
            return !path.split(separator: "/").contains(where: isMade)
                && FileManager.default.fileExists(atPath: "\(root)/\(path)", isDirectory: &isFolder)
                && !isFolder.boolValue
        }
    }

    /// Whether a file or folder of this name is git's, or was built.
    private static func isMade(_ name: Substring) -> Bool {
        name == ".git" || name.hasPrefix(".build") || name == "Package.resolved" || name == "__pycache__" || name == ".pytest_cache"
    }
}

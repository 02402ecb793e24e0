import Foundation
import Synchronization
import TestSupport
import Testing

/// The Swift compiler, with the LMDB module built once for all snippets.
actor Compiler {
    static let shared = Compiler()

    private var isBuilt = false
    private var snippets = 0

    private static let house = [
        "-swift-version", "6", "-package-name", "annals", "-warnings-as-errors", "-parse-as-library",
        "-enable-upcoming-feature", "ExistentialAny", "-enable-upcoming-feature", "InternalImportsByDefault",
        "-enable-upcoming-feature", "MemberImportVisibility", "-enable-upcoming-feature", "NonisolatedNonsendingByDefault",
    ]

    /// What the compiler says about a file that holds `source`; nothing when it is content.
    ///
    /// `-emit-sil` rather than `-typecheck`: who consumes, borrows and overlaps is looked at only there.
    func complaints(about source: String) throws -> String {
        try buildModule()
        snippets += 1
        let file = "\(try LastingFolder.path())/snippet\(snippets).swift"
        try Data("import LMDB\n\(source)\n".utf8).write(to: URL(filePath: file))
        return try run(["-emit-sil", "-o", "/dev/null", "-I", LastingFolder.path(), file])
    }

    private func buildModule() throws {
        if isBuilt { return }
        let sources = try FileManager.default.contentsOfDirectory(atPath: Self.sources + "/LMDB").filter { $0.hasSuffix(".swift") }
        let output = try run(
            [
                "-module-name", "LMDB", "-emit-module", "-emit-module-path", "\(try LastingFolder.path())/LMDB.swiftmodule",
                "-enable-experimental-feature", "Lifetimes", "-strict-memory-safety",
            ] + sources.map { "\(Self.sources)/LMDB/\($0)" })
        try #require(output == "", "the module does not compile by itself")
        isBuilt = true
    }

    private func run(_ arguments: [String]) throws -> String {
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["swiftc"] + Self.house + ["-I", Self.sources + "/CLMDB", "-I", Self.sources + "/CXXHash"] + arguments
        process.standardOutput = output
        process.standardError = output
        try process.run()
        let said = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return process.terminationStatus == 0 ? "" : String(decoding: said, as: UTF8.self) + "\nerror: status \(process.terminationStatus)"
    }

    /// `Sources`, seen from this file: Tests/LMDBTests/Compiler.swift.
    private static let sources = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Sources").path
}

/// A folder that goes when the tests' process does, because what is static never goes by itself.
private enum LastingFolder {
    private static let held = Mutex<TemporaryFolder?>(nil)

    static func path() throws -> String {
        try held.withLock { held in
            if let folder = held { return folder.path }
            let folder = try TemporaryFolder()
            held = folder
            atexit { LastingFolder.held.withLock { $0 = nil } }
            return folder.path
        }
    }
}

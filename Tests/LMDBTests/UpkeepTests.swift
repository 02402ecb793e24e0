import Foundation
import LMDB
import TestSupport
import Testing

@Suite("Upkeep")
struct UpkeepTests {
    @Test("a compact copy holds the same, has no free pages, and is never laid over another file")
    func compactCopy() throws {
        let folder = try TemporaryFolder()
        let environment = try folder.environment()
        try environment.put(Dictionary(uniqueKeysWithValues: (0..<1_000).map { ("\($0)", String(repeating: "v", count: 1_000)) }))
        try environment.write { try $0.clear(environment.words) }
        try environment.put(["a": "1"])
        let copyPath = folder.file("copy.mdb")
        try environment.copyCompact(to: copyPath)
        #expect(try failure { try environment.copyCompact(to: copyPath) } == .system(EEXIST))
        let copy = try Environment(opening: copyPath, tables: ["words"], options: .init(.readFrozen))
        #expect(try copy.entries() == environment.entries())
        let (before, after) = (try environment.information(), try copy.information())
        #expect(after.allocatedBytes < before.allocatedBytes / 10)
        #expect(try freePages(environment) > 200)
        #expect(try freePages(copy) == 0)
    }

    @Test("a copy that fails leaves no file behind")
    func failedCopy() async {
        await #expect(processExitsWith: .success) {
            let folder = try TemporaryFolder()
            let environment = try folder.environment()
            try environment.put(["a": String(repeating: "v", count: 1 << 20)])
            let path = folder.file("copy.mdb")
            func copy() throws {
                let refusal = try failure { try environment.copyCompact(to: path) }
                #expect(refusal == .system(EFBIG))
            }
            try limitFileSize(bytes: 64 << 10, copy)
            #expect(!FileManager.default.fileExists(atPath: path))
        }
    }

    @Test("information tells pages, map, transactions and readers")
    func information() throws {
        let folder = try TemporaryFolder()
        let environment = try folder.environment(.init(.create, mapBytes: 1 << 30, readersMax: 7))
        try environment.put(["a": String(repeating: "v", count: 100_000)])
        let snapshot = try environment.snapshot()
        let information = try environment.information()
        #expect(information.pageBytes == 4096)
        #expect(information.mapBytes == 1 << 30)
        #expect(information.readersMax >= 7)
        #expect(information.readersUsed >= 1)
        #expect(information.lastTransaction == 2)
        #expect(information.lastPage >= 25)
        #expect(information.fileBytes >= 100_000)
        let statistics = try snapshot.reader.statistics(of: environment.words)
        #expect(statistics.entries == 1)
        #expect(statistics.pages == 26)
    }

    @Test("the slot of a reader that died is given free")
    func deadReaders() async throws {
        let folder = try TemporaryFolder()
        let environment = try folder.environment()
        #expect(try environment.checkReaders() == 0)
        let path = folder.file()
        await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String] in
            func dieReading() throws {
                let environment = try Environment(opening: path, tables: ["words"], options: .init(.read))
                let snapshot = try environment.snapshot()
                kill(getpid(), SIGKILL)
                _ = try snapshot.count(of: environment.words)
            }
            try dieReading()
        }
        #expect(try environment.checkReaders() == 1)
        #expect(try environment.checkReaders() == 0)
    }

    @Test("after a fork the child is refused, and the parent goes on")
    func forked() async {
        await #expect(processExitsWith: .success) {
            let folder = try TemporaryFolder()
            var environment: Environment? = try folder.environment()
            let child = try fork {
                let snapshot = try failure { _ = try environment?.entries() }
                let writing = try failure { try environment?.put(["a": "1"]) }
                environment = nil  // must not take anything from the parent
                return snapshot == .forked && writing == .forked
            }
            #expect(child)
            try environment?.put(["a": "2"])
            #expect(try environment?.entries() == ["a=2"])
        }
    }

    private func freePages(_ environment: Environment) throws -> Int {
        let snapshot = try environment.snapshot()
        return try snapshot.freePages()
    }
}

/// Forks, runs `body` in the child, and gives back what it said. For exit tests: few threads are alive there.
private func fork(_ body: () throws -> Bool) throws -> Bool {
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

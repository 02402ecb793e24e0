import TestSupport
import Testing

@testable import LMDB

@Suite("ProcessMemory", .serialized)
struct ProcessMemoryTests {
    @Test("pages that were forgotten are no longer the process's, and are read as before")
    func forgets() throws {
        let folder = try TemporaryFolder()
        let environment = try folder.environment()
        let value = String(repeating: "v", count: 1 << 20)
        for number in 0..<64 { try environment.put(["key \(number)": value]) }
        let all = try environment.entries()
        let before = try #require(ProcessMemory.now())
        ProcessMemory.forget([environment])
        let after = try #require(ProcessMemory.now())
        #expect(after.fileBytes < before.fileBytes - 32 << 20)
        #expect(try environment.entries() == all)
    }

    @Test("a snapshot reads on, and a write goes on, across forgetting")
    func goesOn() throws {
        let folder = try TemporaryFolder()
        let environment = try folder.environment()
        try environment.put(["a": "1"])
        let isThere = try environment.read { reader in
            ProcessMemory.forget([environment])
            return try reader.contains(Array("a".utf8).span.bytes, in: environment.table(named: "words"))
        }
        #expect(isThere)
        try environment.write { transaction in
            try transaction.put(Array("2".utf8).span.bytes, for: Array("b".utf8).span.bytes, in: environment.table(named: "words"))
            ProcessMemory.forget([environment])
        }
        #expect(try environment.entries() == ["a=1", "b=2"])
    }

    @Test("a heap with holes is given back")
    func trims() throws {
        var blocks: [[UInt8]] = (0..<20_000).map { _ in [UInt8](repeating: 1, count: 4_000) }
        let full = try #require(ProcessMemory.now())
        for index in blocks.indices where index % 100 != 0 { blocks[index] = [] }
        ProcessMemory.trimHeap()
        let trimmed = try #require(ProcessMemory.now())
        #expect(trimmed.anonymousBytes < full.anonymousBytes - 32 << 20)
        #expect(blocks[100].count == 4_000)
    }
}

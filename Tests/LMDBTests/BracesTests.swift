import LMDB
import TestSupport
import Testing

@Suite("Braces")
struct BracesTests {
    private struct GivenUp: Error {}

    @Test("what is written between braces is committed at the closing one, and read by the next who reads")
    func commits() throws {
        let folder = try TemporaryFolder()
        let environment = try folder.environment()
        let count = try environment.write { transaction in
            try transaction.put("1".raw, for: "a".raw, in: environment.words)
            return try transaction.count(of: environment.words)
        }
        #expect(count == 1)
        let text = try environment.read { reader in try reader.value(of: "a".raw, in: environment.words)?.text }
        #expect(text == "1")
    }

    @Test("who throws between braces undoes all of it and lets the next writer in")
    func undoes() throws {
        let folder = try TemporaryFolder()
        let environment = try folder.environment()
        #expect(throws: GivenUp.self) {
            try environment.write { transaction in
                try transaction.put("1".raw, for: "a".raw, in: environment.words)
                throw GivenUp()
            }
        }
        try environment.put(["b": "2"])
        #expect(try environment.entries() == ["b=2"])
        #expect(throws: GivenUp.self) { try environment.read { _ in throw GivenUp() } }
    }
}

import Events
import FoundationEssentials
import Testing

@testable import Archive

@Suite("Refused starts")
struct RefusedStartTests {
    @Test("a keyring whose last box is damaged, and needed, is refused and stays as it is: it may be all that is left of that key")
    func damagedLastBox() throws {
        let scratch = try Scratch()
        scratch.send(.init("a"))
        scratch.send(Scratch.Post("b").with { $0.tenant = "other" })
        try scratch.close()
        let whole = try keyring(scratch)
        var damaged = whole
        damaged[damaged.count - 1] ^= 1
        try damaged.write(to: URL(filePath: scratch.path + "/vault/keyring"))
        let failure = #expect(throws: ArchiveFailure.self) { try scratch.open() }
        #expect(failure.map { "\($0)".contains("lacks 1 of the keys") } == true)
        #expect(try keyring(scratch) == damaged)
        // Whoever mends it has everything again.
        try whole.write(to: URL(filePath: scratch.path + "/vault/keyring"))
        try scratch.open()
        #expect(try scratch.message("b", tenant: "other")?.state == .visible)
    }

    private func keyring(_ scratch: Scratch) throws -> Data { try Data(contentsOf: URL(filePath: scratch.path + "/vault/keyring")) }
}

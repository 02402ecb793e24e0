import Testing

@Suite("Proofs")
struct ProofsTests {
    @Test(
        "a switched-off check without a sentence is found",
        arguments: [
            "final class A: @unchecked Sendable {", "let b = 1\nnonisolated(unsafe) var a = 1", "// why\n\nnonisolated(unsafe) var a = 1",
            "// why\nlet b = 1\nnonisolated(unsafe) var a = 1", "//\nnonisolated(unsafe) var a = 1",
        ])
    func finds(_ text: String) {
        #expect(Proofs.violations(in: SwiftSource(text)).count == 1, "\(text)")
    }

    @Test(
        "one with a sentence is right",
        arguments: [
            "// why\nfinal class A: @unchecked Sendable {", "/// why\n@safe\nfinal class A: @unchecked Sendable {",
            "nonisolated(unsafe) var a = 1  // why", "// why\nnonisolated(unsafe) var a = 1\nnonisolated(unsafe) var b = 1",
            "f(\"@unchecked Sendable\")", "/* @unchecked Sendable */",
        ])
    func leavesAlone(_ text: String) {
        #expect(Proofs.violations(in: SwiftSource(text)) == [], "\(text)")
    }
}

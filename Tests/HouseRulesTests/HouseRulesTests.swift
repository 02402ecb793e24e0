import Testing

/// How Annals is written, asked of every file of the project.
@Suite("House rules")
struct HouseRulesTests {
    private let tree: ProjectTree

    init() throws { tree = try .ofThisPackage() }

    @Test("the tree is the project's, and the rules see its files")
    func treeIsThere() {
        #expect(tree.paths.contains("Package.swift"))
        #expect(tree.paths.contains("Tests/HouseRulesTests/HouseRulesTests.swift"))
        let sources = tree.swiftSources
        #expect(sources.count > 100)
        #expect(sources.reduce(0) { $0 + FunctionBodies(of: $1).all.count } > 1_000)
    }

    @Test("without git the tree is walked, and has the same files")
    func walked() throws {
        let walked = try ProjectTree.walkedPaths(tree.root)
        #expect(Set(tree.paths).subtracting(walked) == [])
    }

    @Test("no Swift file has more than 400 lines")
    func fileLengths() { expectNone(of: Shape.overlong) }

    @Test("no function has more than 50 lines")
    func functionLengths() { expectNone(of: FunctionBodies.violations) }

    @Test("files and types are called by nouns")
    func names() {
        expectNone(of: Shape.emptyNames)
        #expect(tree.paths.filter { $0.hasSuffix(".swift") }.flatMap(Shape.emptyName) == [])
    }

    @Test("failures are handled, tasks have parents, time is passed in, LMDB's C stays in its room, and only what talks to people prints")
    func words() {
        expectNone { source in ForbiddenWord.all.flatMap { $0.violations(in: source) } + EmptyCatch.violations(in: source) }
    }

    @Test("what is public is for Swift services")
    func accessLevels() { expectNone(of: AccessLevels.violations) }

    @Test("nothing is put off in code, comments, scripts or pages")
    func postponed() throws {
        expectNone(of: Postponed.violations)
        let others = try texts { !$0.hasSuffix(".swift") }
        #expect(others.flatMap { Postponed.violations(in: $0.text, path: $0.path) } == [])
    }

    @Test("what switches off the checks of concurrency says why it is right")
    func proofs() { expectNone(of: Proofs.violations) }

    @Test("imports only point down")
    func imports() { expectNone(of: FloorPlan.violations) }

    @Test("every target has a folder, and every folder a target")
    func targets() throws {
        let manifest = try #require(try tree.text("Package.swift"))
        #expect(Premises.homeless(manifest: manifest, paths: tree.paths) == [])
    }

    @Test("nothing lies in the top folder but what belongs there")
    func topFolder() {
        #expect(Premises.strangers(among: tree.paths) == [])
    }

    @Test("no file names a folder of one machine")
    func machinePaths() throws {
        #expect(try texts { _ in true }.flatMap { Premises.machinePaths(in: $0.text, path: $0.path) } == [])
    }

    private func expectNone(of rule: (SwiftSource) -> [Violation], _ location: SourceLocation = #_sourceLocation) {
        #expect(tree.swiftSources.flatMap(rule) == [], sourceLocation: location)
    }

    private func texts(_ isWanted: (String) -> Bool) throws -> [(path: String, text: String)] {
        try tree.paths.filter(isWanted).compactMap { path in try tree.text(path).map { (path, $0) } }
    }
}

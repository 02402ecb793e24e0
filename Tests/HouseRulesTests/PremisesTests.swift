import Testing

@Suite("Premises")
struct PremisesTests {
    @Test("what does not belong into the top folder is found; dot files may be there")
    func topFolder() {
        let paths = ["Package.swift", "Sources/Events/Event.swift", "README.md", "LICENSE", ".ci/run", ".swift-format", "Deploy/test.sh"]
        #expect(Premises.strangers(among: paths) == [])
        #expect(Premises.strangers(among: paths + ["notes.txt", "docs/a.md", "docs/b.md"]).map(\.path) == ["docs", "notes.txt"])
    }

    @Test("the targets of a manifest are found, however their lines are broken")
    func targets() {
        let manifest = """
            products: [.library(name: "AnnalsClient", targets: ["AnnalsClient"])],
            .systemLibrary(name: "CLMDB", pkgConfig: "lmdb"), .target(name: "Events", swiftSettings: house),
            .executableTarget(
                name: "annalsd", dependencies: [.product(name: "Logging", package: "swift-log")]),
            .testTarget(name: "EventsTests", dependencies: ["Events"]),
            """
        #expect(Set(Premises.targets(of: manifest)) == ["Sources/CLMDB", "Sources/Events", "Sources/annalsd", "Tests/EventsTests"])
    }

    @Test("a target that says where its folder is has it there, and its neighbours have not")
    func targetsWithPaths() {
        let manifest = """
            .target(name: "Events"), .target(name: "TestSupport", path: "Tests/TestSupport", swiftSettings: house),
            .testTarget(
                name: "EventsTests", dependencies: [.product(name: "Logging", package: "swift-log")],
                path: "Tests/Words"),
            .testTarget(name: "RESPTests")
            """
        #expect(Set(Premises.targets(of: manifest)) == ["Sources/Events", "Tests/TestSupport", "Tests/Words", "Tests/RESPTests"])
    }

    @Test("a target without a folder and a folder without a target are found")
    func homeless() {
        let manifest = ".target(name: \"Events\"), .target(name: \"Ledger\"), .testTarget(name: \"EventsTests\")"
        let paths = ["Sources/Events/Event.swift", "Sources/Attic/Box.swift", "Tests/EventsTests/EventTests.swift", "Tests/wire/test.py"]
        let found = Premises.homeless(manifest: manifest, paths: paths)
        #expect(found.map(\.path) == ["Sources/Ledger", "Sources/Attic"])
    }

    @Test("a path of one machine is found, a path of the same words elsewhere is not")
    func machinePaths() {
        for folder in Premises.machineFolders {
            #expect(Premises.machinePaths(in: "a\ncd /\(folder)/main", path: "Deploy/test.sh").map(\.line) == [2])
            #expect(Premises.machinePaths(in: "\"/\(folder)/main\"", path: "README.md").count == 1)
            let elsewhere = "https://example.org/\(folder)/a ../\(folder)/b ~/\(folder)/c $HOME/\(folder)/d a/\(folder)/e /\(folder)s/f"
            #expect(Premises.machinePaths(in: elsewhere, path: "README.md") == [])
        }
    }
}

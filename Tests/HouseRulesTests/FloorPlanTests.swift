import Testing

@Suite("FloorPlan")
struct FloorPlanTests {
    @Test(
        "an import is found, however it is written",
        arguments: [
            "import LMDB", "package import LMDB", "@_exported public import LMDB", "@preconcurrency import LMDB",
            "import struct LMDB.Table",
            "  import LMDB  // why", "private import LMDB",
        ])
    func finds(_ text: String) {
        #expect(FloorPlan.imports(of: SwiftSource(text)).map(\.module) == ["LMDB"])
    }

    @Test(
        "what is no import is none",
        arguments: [
            "// import LMDB", "let a = \"\"\"\nimport LMDB\n\"\"\"", "importance LMDB", "case import", "/*\nimport LMDB\n*/", "import",
        ])
    func leavesAlone(_ text: String) {
        #expect(FloorPlan.imports(of: SwiftSource(text)).isEmpty)
    }

    @Test(
        "an import that does not point down is found",
        arguments: [
            ("Sources/Events/A.swift", "Glibc"), ("Sources/Events/A.swift", "Foundation"), ("Sources/Journal/A.swift", "Events"),
            ("Sources/Ledger/A.swift", "Projections"), ("Sources/Projections/A.swift", "Ledger"), ("Sources/RESP/A.swift", "NIOPosix"),
            ("Sources/Archive/A.swift", "RESP"), ("Sources/Archive/Upkeep/A.swift", "Reception"), ("Sources/Reception/A.swift", "LMDB"),
            ("Sources/Reception/Replies/A.swift", "Journal"), ("Sources/AnnalsClient/A.swift", "Events"),
            ("Sources/Console/A.swift", "Ledger"),
            ("Sources/annals/A.swift", "Archive"), ("Sources/LMDB/A.swift", "Events"), ("Sources/Merkle/A.swift", "LMDB"),
            ("Sources/Vault/A.swift", "Logging"), ("Sources/Console/A.swift", "TestSupport"), ("Tests/TestSupport/A.swift", "LMDB"),
        ])
    func upwards(_ path: String, _ module: String) {
        let source = SwiftSource("import \(module)\n", path: path)
        #expect(FloorPlan.violations(in: source).map(\.line) == [1])
    }

    @Test("what the floor plan allows is allowed; tests may import what they test")
    func downwards() {
        let cases = [
            ("Sources/Archive/A.swift", "Ledger"), ("Sources/Reception/A.swift", "RESP"), ("Sources/Events/A.swift", "Synchronization"),
            ("Sources/annals/A.swift", "Console"), ("Tests/ArchiveTests/A.swift", "LMDB"),
            ("Tests/ArchiveTests/A.swift", "TestSupport"), ("Tests/TestSupport/A.swift", "Foundation"),
        ]
        for (path, module) in cases {
            #expect(FloorPlan.violations(in: SwiftSource("import \(module)\n", path: path)) == [], "\(path) \(module)")
        }
    }

    @Test("a room that is not on the plan is found")
    func unknownRoom() {
        #expect(FloorPlan.violations(in: SwiftSource("", path: "Sources/Attic/A.swift")).count == 1)
    }

    @Test("no two rooms of the plan import each other, at whatever distance")
    func noCircles() {
        for room in FloorPlan.rooms.keys {
            var seen: Set<String> = []
            var next = FloorPlan.rooms[room] ?? []
            while let module = next.popFirst() {
                if seen.insert(module).inserted { next.formUnion(FloorPlan.rooms[module] ?? []) }
            }
            #expect(!seen.contains(room), "\(room)")
        }
    }
}

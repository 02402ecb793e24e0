/// Which room may import what: the table of the floor plan. Imports only point down.
enum FloorPlan {
    /// What every room has: the standard library.
    private static let standardLibrary: Set<String> = ["Swift", "Synchronization"]

    /// By room. `Glibc` is the system calls.
    static let rooms: [String: Set<String>] = [
        // Ground: bytes, words, hashes, frames.
        "LMDB": ["CLMDB", "CXXHash", "Glibc"],
        "Events": [],
        "Merkle": ["CSHA256", "Crypto"],
        "RESP": ["NIOCore"],
        // Rooms: they do not know each other.
        "Journal": ["Glibc", "CXXHash"],
        "Ledger": ["LMDB", "Events", "Merkle", "Glibc"],
        "Projections": ["LMDB", "Events", "CXXHash"],
        "Vault": ["Events", "Crypto", "CSodium", "Glibc"],
        // House: all of the above but RESP.
        "Archive": [
            "LMDB", "Events", "Merkle", "Journal", "Ledger", "Projections", "Vault", "Crypto", "Glibc", "Dispatch", "FoundationEssentials",
        ],
        // Doors.
        "Reception": ["Archive", "RESP", "Events", "NIOCore", "NIOPosix", "Logging", "Glibc"],
        "Console": ["Archive", "AnnalsClient", "RESP", "Events", "ArgumentParser", "CZlib", "Glibc", "FoundationEssentials"],
        // Garden: knows nothing of the house.
        "AnnalsClient": ["RESP", "NIOCore", "NIOPosix", "Glibc"],
        // Roof: wiring and words.
        "annalsd": [
            "Reception", "Archive", "Journal", "Ledger", "Vault", "Events", "ArgumentParser", "Logging", "ServiceLifecycle", "UnixSignals",
            "Glibc",
            "Foundation",
        ],
        "annals": ["Console", "ArgumentParser", "Glibc"],
        // Modules of C: nothing of Swift is in them.
        "CLMDB": [], "CLMDBGuard": [], "CXXHash": [], "CZlib": [], "CSodium": [], "CSHA256": [],
    ]

    /// What the tests of all rooms share knows none of them, and none of them knows it.
    private static let testSupport = (name: "TestSupport", allowed: Set(["Foundation", "Glibc"]))

    static func violations(in source: SwiftSource) -> [Violation] {
        let folders = source.path.split(separator: "/")
        guard folders.count > 2, folders[0] == "Sources" || folders[1] == testSupport.name else { return [] }
        let room = String(folders[1])
        guard let allowed = folders[0] == "Tests" ? testSupport.allowed : rooms[room] else {
            return [Violation(path: source.path, line: nil, reason: "the floor plan knows no room \(room)")]
        }
        return imports(of: source).compactMap { line, module in
            if allowed.contains(module) || standardLibrary.contains(module) { return nil }
            return Violation(path: source.path, line: line, reason: "\(room) may not import \(module)")
        }
    }

    /// The modules that a file imports, with the numbers of the lines.
    static func imports(of source: SwiftSource) -> [(line: Int, module: String)] {
        source.codeLines.enumerated().compactMap { index, line in
            var words = line.split { !$0.isLetter && !$0.isNumber && $0 != "_" && $0 != "@" && $0 != "." }.map(String.init)
            words = Array(words.drop { $0.hasPrefix("@") || modifiers.contains($0) })
            guard words.first == "import", words.count > 1 else { return nil }
            let path = kinds.contains(words[1]) && words.count > 2 ? words[2] : words[1]
            return (index + 1, String(path.prefix { $0 != "." }))
        }
    }

    private static let modifiers: Set<String> = ["public", "package", "internal", "fileprivate", "private"]
    private static let kinds: Set<String> = ["struct", "class", "enum", "protocol", "typealias", "func", "let", "var"]
}

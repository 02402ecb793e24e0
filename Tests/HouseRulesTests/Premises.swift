/// What may lie in the top folder, which folders are rooms, and what no file may say of a machine.
enum Premises {
    private static let topFolder: Set<String> = ["Package.swift", "Sources", "Tests", "Benchmarks", "Deploy", "README.md", "LICENSE"]

    /// Dot files may be there too.
    static func strangers(among paths: [String]) -> [Violation] {
        let names = Set(paths.compactMap { $0.split(separator: "/").first.map(String.init) })
        return names.subtracting(topFolder).filter { !$0.hasPrefix(".") }.sorted().map { name in
            Violation(path: name, line: nil, reason: "is not one of what the top folder has")
        }
    }

    /// Targets without a folder, and folders of Swift files without a target.
    static func homeless(manifest: String, paths: [String]) -> [Violation] {
        let targets = Set(targets(of: manifest))
        let folders = Set(
            paths.compactMap { path -> String? in
                let parts = path.split(separator: "/")
                guard parts.count > 2, ["Sources", "Tests"].contains(parts[0]), isCode(path) else { return nil }
                return "\(parts[0])/\(parts[1])"
            })
        return targets.subtracting(folders).sorted().map { Violation(path: $0, line: nil, reason: "is a target without a folder") }
            + folders.subtracting(targets).sorted().map { Violation(path: $0, line: nil, reason: "is a folder without a target") }
    }

    private static func isCode(_ path: String) -> Bool { [".swift", "module.modulemap", ".c"].contains { path.hasSuffix($0) } }

    /// The folders that a manifest's targets have.
    static func targets(of manifest: String) -> [String] {
        let bytes = Array(manifest.utf8)
        return ["target", "executableTarget", "systemLibrary", "testTarget"].flatMap { kind in
            bytes.occurrences(of: "." + kind + "( name: \"").compactMap { offset in
                let declaration = Array(bytes[offset..<bytes.closing(of: offset)])
                guard let name = declaration.quoted(after: "name: \"") else { return nil }
                return declaration.quoted(after: "path: \"") ?? (kind == "testTarget" ? "Tests/" : "Sources/") + name
            }
        }
    }

    /// Paths that are there on one machine only.
    static let machineFolders = ["work", "root", "home", "Users"]

    static func machinePaths(in text: String, path: String) -> [Violation] {
        let bytes = Array(text.utf8)
        return machineFolders.flatMap { folder in
            bytes.occurrences(of: "/" + folder + "/").filter { !bytes.continuesPath(at: $0) }.map { offset in
                let line = 1 + bytes[..<offset].count { $0 == UInt8(ascii: "\n") }
                return Violation(path: path, line: line, reason: "names a folder of one machine, /\(folder)")
            }
        }
    }
}

extension [UInt8] {
    /// Where the first parenthesis from an index on is closed.
    fileprivate func closing(of start: Int) -> Int {
        var depth = 0
        for index in start..<count {
            if self[index] == UInt8(ascii: "(") { depth += 1 }
            if self[index] == UInt8(ascii: ")") { depth -= 1 }
            if self[index] == UInt8(ascii: ")"), depth == 0 { return index }
        }
        return count
    }

    /// The rest of the text in quotation marks that begins so; nil where there is none.
    fileprivate func quoted(after beginning: String) -> String? {
        guard let start = occurrences(of: beginning).first, let open = self[start...].firstIndex(of: UInt8(ascii: "\"")) else { return nil }
        return self[(open + 1)...].firstIndex(of: UInt8(ascii: "\"")).map { String(decoding: self[(open + 1)..<$0], as: UTF8.self) }
    }

    /// Whether a slash at an index is inside a longer path, such as `~/work/` or `https://example.org/work/`.
    fileprivate func continuesPath(at index: Int) -> Bool {
        guard index > 0 else { return false }
        return self[index - 1].isWordSign || Array("./~-$}".utf8).contains(self[index - 1])
    }
}

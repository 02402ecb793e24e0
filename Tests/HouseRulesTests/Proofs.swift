/// What switches off the compiler's checks of concurrency carries a sentence that says why it is right.
enum Proofs {
    private static let markers = ["@unchecked Sendable", "nonisolated(unsafe)"]

    static func violations(in source: SwiftSource) -> [Violation] {
        let code = source.codeLines
        let comments = source.commentLines
        return code.indices.compactMap { index in
            guard let marker = markers.first(where: { code[index].contains($0) }), !isProved(index, code, comments) else { return nil }
            return Violation(path: source.path, line: index + 1, reason: "'\(marker)' without a sentence of proof before it")
        }
    }

    /// On the line itself or right above it, where attributes and others of the same kind may stand between.
    private static func isProved(_ index: Int, _ code: [Substring], _ comments: [Substring]) -> Bool {
        var line = index
        while line >= 0 {
            if comments[line].contains(where: { $0 != " " && $0 != "/" }) { return true }
            let words = code[line].split(separator: " ")
            let isBetween = line == index || words.first?.hasPrefix("@") == true || markers.contains { code[line].contains($0) }
            if !isBetween { return false }
            line -= 1
        }
        return false
    }
}

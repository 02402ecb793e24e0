/// How long a file may be, and what it may not be called.
enum Shape {
    static let linesMax = 400
    /// Words that say nothing: whatever is called so has no noun.
    static let emptyWords: Set<String> = [
        "Manager", "Managers", "Helper", "Helpers", "Util", "Utils", "Utility", "Utilities", "Common", "Base", "New",
    ]

    private static let typeKinds: Set<Substring> = ["struct", "class", "enum", "actor", "protocol", "typealias"]

    static func overlong(_ source: SwiftSource) -> [Violation] {
        guard source.lineCount > linesMax else { return [] }
        return [Violation(path: source.path, line: nil, reason: "\(source.lineCount) lines; over \(linesMax) it is two nouns")]
    }

    static func emptyName(ofFile path: String) -> [Violation] {
        let name = path.split(separator: "/").last.map { $0.prefix { $0 != "." } } ?? ""
        return emptyWord(in: name).map { [Violation(path: path, line: nil, reason: "'\($0)' is no noun")] } ?? []
    }

    static func emptyNames(ofTypesIn source: SwiftSource) -> [Violation] {
        source.codeLines.enumerated().flatMap { index, line in
            let words = line.split { !$0.isLetter && !$0.isNumber && $0 != "_" }
            return zip(words, words.dropFirst()).compactMap { (kind, name) -> Violation? in
                guard typeKinds.contains(kind), let word = emptyWord(in: name) else { return nil }
                return Violation(path: source.path, line: index + 1, reason: "'\(name)': '\(word)' is no noun")
            }
        }
    }

    private static func emptyWord(in name: Substring) -> String? {
        var words: [String] = []
        for sign in name {
            if sign.isUppercase || sign == "+" || words.isEmpty { words.append("") }
            if sign != "+" { words[words.count - 1].append(sign) }
        }
        return words.first(where: emptyWords.contains)
    }
}

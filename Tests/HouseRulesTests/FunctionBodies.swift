/// Finds functions, initializers and computed properties, and how many lines stand between their braces.
struct FunctionBodies {
    static let linesMax = 50

    private let code: [UInt8]

    init(of source: SwiftSource) { code = source.code }

    struct Body: Equatable {
        var offset: Int
        var lines: Int
    }

    static func violations(in source: SwiftSource) -> [Violation] {
        FunctionBodies(of: source).all.filter { $0.lines > linesMax }.map { body in
            source.violation(at: body.offset, "a function of \(body.lines) lines; \(linesMax) are the wall")
        }
    }

    var all: [Body] {
        let starts = ["func", "init", "deinit", "subscript", "var"].flatMap { word in
            code.occurrences(of: word).filter { isDeclaration(at: $0, word) }
        }
        return starts.sorted().compactMap { start in
            guard let open = opening(from: start), let close = closing(of: open) else { return nil }
            let breaks = code[open..<close].count { $0 == UInt8(ascii: "\n") }
            return Body(offset: start, lines: max(0, breaks - 1))
        }
    }

    /// A call such as `self.init(…)` is none, and neither is a longer word.
    private func isDeclaration(at offset: Int, _ word: String) -> Bool {
        let before = code[..<offset].last { $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "\n") }
        return before != UInt8(ascii: ".") && !code.isWord(at: offset + word.utf8.count)
    }

    /// The brace that opens the body; nil for a requirement, and for a property that is stored.
    private func opening(from start: Int) -> Int? {
        var depth = 0
        var index = start
        while index < code.count {
            switch code[index] {
            case UInt8(ascii: "("), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: ")"), UInt8(ascii: "]"): depth -= 1
            case UInt8(ascii: "{") where depth == 0: return index
            case UInt8(ascii: "}") where depth == 0: return nil
            case UInt8(ascii: "=") where depth == 0 && isAssignment(at: index): return nil
            case UInt8(ascii: "\n") where depth == 0 && !goesOn(after: index): return nil
            default: break
            }
            if depth < 0 { return nil }
            index += 1
        }
        return nil
    }

    /// `=` alone, and neither part of an operator's name nor of `where A == B`.
    private func isAssignment(at index: Int) -> Bool {
        let signs = Array("=<>!+-*/%&|^~".utf8)
        let isAfterSign = index > 0 && signs.contains(code[index - 1])
        let isBeforeSign = index + 1 < code.count && signs.contains(code[index + 1])
        return !isAfterSign && !isBeforeSign
    }

    /// Whether the next line is still of the same declaration's head, as our formatting breaks it.
    private func goesOn(after lineBreak: Int) -> Bool {
        let next = code.skippingBlanks(from: lineBreak)
        return ["where ", "throws", "->", "{", "async "].contains { code[next...].starts(with: $0.utf8) }
    }

    private func closing(of open: Int) -> Int? {
        var depth = 0
        for index in open..<code.count {
            if code[index] == UInt8(ascii: "{") { depth += 1 }
            if code[index] == UInt8(ascii: "}") { depth -= 1 }
            if depth == 0 { return index }
        }
        return nil
    }
}

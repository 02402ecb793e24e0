/// A Swift file taken apart: its code without comments and without what is in strings, and its comments alone.
///
/// Both are as long as the file and have its line breaks, so that an offset is the same place in each.
struct SwiftSource: Sendable {
    let path: String
    /// Comments and the insides of strings are spaces here; code inside `\( )` is code.
    private(set) var code: [UInt8]
    /// Everything but comments is spaces here.
    private(set) var comments: [UInt8]

    private let bytes: [UInt8]
    private var offset = 0

    init(path: String, text: String) {
        self.path = path
        bytes = Array(text.utf8)
        let blank = bytes.map { $0 == UInt8(ascii: "\n") ? $0 : UInt8(ascii: " ") }
        code = blank
        comments = blank
        scanCode(inParentheses: false)
    }

    /// So many lines the file has.
    var lineCount: Int { code.count { $0 == UInt8(ascii: "\n") } + (code.last.map { $0 == UInt8(ascii: "\n") ? 0 : 1 } ?? 0) }

    /// The number of the line on which an offset lies, from 1.
    func line(of offset: Int) -> Int { 1 + code[..<offset].count { $0 == UInt8(ascii: "\n") } }

    func violation(at offset: Int, _ reason: String) -> Violation {
        Violation(path: path, line: line(of: offset), reason: reason)
    }

    var codeLines: [Substring] { Self.lines(of: code) }
    var commentLines: [Substring] { Self.lines(of: comments) }

    private static func lines(of bytes: [UInt8]) -> [Substring] {
        String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
    }
}

extension SwiftSource {
    /// To the end of the file, or behind the parenthesis that ends an interpolation.
    private mutating func scanCode(inParentheses: Bool) {
        var depth = 0
        while offset < bytes.count {
            switch bytes[offset] {
            case UInt8(ascii: "/") where isAt("//"): scanLineComment()
            case UInt8(ascii: "/") where isAt("/*"): scanBlockComment()
            case UInt8(ascii: "\""): scanString(hashes: 0)
            case UInt8(ascii: "#"):
                if let hashes = hashesBeforeQuote() { scanString(hashes: hashes) } else { keepCode(1) }
            case UInt8(ascii: ")") where inParentheses && depth == 0: return keepCode(1)
            case let byte:
                if byte == UInt8(ascii: "(") { depth += 1 }
                if byte == UInt8(ascii: ")") { depth -= 1 }
                keepCode(1)
            }
        }
    }

    private mutating func scanLineComment() {
        while offset < bytes.count, bytes[offset] != UInt8(ascii: "\n") { keepComment(1) }
    }

    /// Block comments nest in Swift.
    private mutating func scanBlockComment() {
        var depth = 0
        repeat {
            if isAt("/*") {
                depth += 1
                keepComment(2)
            } else if isAt("*/") {
                depth -= 1
                keepComment(2)
            } else {
                keepComment(1)
            }
        } while depth > 0 && offset < bytes.count
    }

    /// How many `#` stand before a quote that opens a string here; nil where none does.
    private func hashesBeforeQuote() -> Int? {
        let hashes = bytes[offset...].prefix { $0 == UInt8(ascii: "#") }.count
        let quote = offset + hashes
        return quote < bytes.count && bytes[quote] == UInt8(ascii: "\"") ? hashes : nil
    }

    private mutating func scanString(hashes: Int) {
        keepCode(hashes)
        let isLong = isAt("\"\"\"")
        let quotes = isLong ? "\"\"\"" : "\""
        let pounds = String(repeating: "#", count: hashes)
        let end = quotes + pounds
        keepCode(quotes.utf8.count)
        while offset < bytes.count {
            if isAt(end) { return keepCode(end.utf8.count) }
            // A string that its line ends is a mistake, and must not swallow the rest of the file.
            if !isLong, bytes[offset] == UInt8(ascii: "\n") { return }
            if isAt("\\" + pounds + "(") {
                keepCode(hashes + 2)
                scanCode(inParentheses: true)
            } else {
                offset = min(offset + (isAt("\\" + pounds) ? hashes + 2 : 1), bytes.count)
            }
        }
    }

    private func isAt(_ text: String) -> Bool { bytes[offset...].starts(with: text.utf8) }

    private mutating func keepCode(_ count: Int) {
        for _ in 0..<min(count, bytes.count - offset) {
            code[offset] = bytes[offset]
            offset += 1
        }
    }

    private mutating func keepComment(_ count: Int) {
        for _ in 0..<min(count, bytes.count - offset) {
            comments[offset] = bytes[offset]
            offset += 1
        }
    }
}

/// A rule that a place in the project does not keep.
struct Violation: Equatable, CustomStringConvertible, Sendable {
    var path: String
    /// From 1; nil where it is the file itself.
    var line: Int?
    var reason: String

    var description: String { path + (line.map { ":\($0)" } ?? "") + ": " + reason }
}

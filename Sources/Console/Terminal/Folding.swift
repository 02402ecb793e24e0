/// Text cut into lines that fit a width: at spaces where there are any, between wide signs, and inside a word only when it alone is too long.
package enum Folding {
    /// The lines of a text; line breaks of its own are kept. A sign wider than the width stands on a line of its own.
    package static func lines(_ text: String, width: Int) -> [String] {
        precondition(width > 0, "nothing fits into a width of \(width)")
        return text.split(separator: "\n", omittingEmptySubsequences: false).flatMap { fold($0, width: width) }
    }

    /// The beginning of a text that fits, ending in `…` if something was cut off.
    package static func cut(_ text: String, width: Int) -> String {
        guard DisplayWidth.of(text) > width else { return text }
        var kept = ""
        var used = 1  // for the ellipsis
        for sign in text {
            used += DisplayWidth.of(sign)
            if used > width { break }
            kept.append(sign)
        }
        return kept + "\u{2026}"
    }

    private static func fold(_ line: Substring, width: Int) -> [String] {
        var lines: [String] = []
        var rest = line
        while true {
            let end = fittingEnd(of: rest, width: width)
            guard end < rest.endIndex else { break }
            let cut = breakBefore(end, in: rest)
            lines.append(String(rest[..<cut].trimmingTrailingSpaces()))
            rest = rest[cut...].drop { $0 == " " }
        }
        lines.append(String(rest))
        return lines
    }

    /// Behind the last sign that fits; behind the first one in any case, so that folding comes to an end.
    private static func fittingEnd(of text: Substring, width: Int) -> String.Index {
        var used = 0
        var index = text.startIndex
        while index < text.endIndex {
            used += DisplayWidth.of(text[index])
            if used > width, index > text.startIndex { return index }
            index = text.index(after: index)
        }
        return index
    }

    /// The best place to break at or before `end`: at a space, or beside a wide sign, where CJK text may be broken without one.
    private static func breakBefore(_ end: String.Index, in text: Substring) -> String.Index {
        var index = end
        while index > text.startIndex {
            let before = text.index(before: index)
            if mayBreak(between: text[before], and: text[index]) { return index }
            index = before
        }
        return end
    }

    private static func mayBreak(between left: Character, and right: Character) -> Bool {
        if left == " " || right == " " { return true }
        // A comma or full stop does not begin a line.
        if closing.contains(right) || opening.contains(left) { return false }
        return DisplayWidth.of(left) == 2 || DisplayWidth.of(right) == 2
    }

    private static let closing: Set<Character> = [
        "，", "。", "、", "！", "？", "；", "：", "）", "」", "』", "》", "】", ",", ".", "!", "?", ";", ":", ")",
    ]
    private static let opening: Set<Character> = ["（", "「", "『", "《", "【", "("]
}

extension Substring {
    fileprivate func trimmingTrailingSpaces() -> Substring {
        var text = self
        while text.last == " " { text.removeLast() }
        return text
    }
}

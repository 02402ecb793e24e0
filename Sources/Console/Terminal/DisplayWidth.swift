import Events

/// How many cells of a terminal a text takes: 2 for what East Asian typography calls wide and for emoji,
/// 0 for marks that sit on the sign before them, 1 for the rest.
///
/// Works on what a reader sees as one sign (a grapheme cluster), so that a family joined by ZWJ, a flag and a
/// skin tone are one emoji. A terminal that does not know a sequence draws its parts side by side; nothing can be done about that here.
package enum DisplayWidth {
    /// The cells that a text without line breaks takes.
    package static func of(_ text: some StringProtocol) -> Int {
        text.reduce(0) { $0 + of($1) }
    }

    /// The cells that one sign takes.
    package static func of(_ sign: Character) -> Int {
        let scalars = sign.unicodeScalars
        guard let first = scalars.first else { return 0 }
        if first.isASCII, scalars.count == 1 { return first.value < 0x20 || first.value == 0x7F ? 0 : 1 }
        if isEmoji(scalars) { return 2 }
        // Not simply the first scalar's width: a Devanagari conjunct is one cluster, and terminals give each of its consonants a cell.
        return scalars.reduce(0) { $0 + of($1) }
    }

    private static func isEmoji(_ scalars: Character.UnicodeScalarView) -> Bool {
        guard let first = scalars.first else { return false }
        if isRegionalIndicator(first) { return scalars.count > 1 }
        if first.properties.isEmojiPresentation { return true }
        // U+FE0F asks for the coloured form: a heart that is narrow as text (U+2764) becomes wide. With it, "1" + U+20E3 is a keycap.
        return first.properties.isEmoji
            && scalars.dropFirst().contains { $0.value == 0xFE0F || $0.value == 0x200D || $0.properties.isEmojiModifier }
    }

    private static func isRegionalIndicator(_ scalar: Unicode.Scalar) -> Bool {
        (0x1F1E6...0x1F1FF).contains(scalar.value)
    }

    private static func of(_ scalar: Unicode.Scalar) -> Int {
        if isZeroWidth(scalar) { return 0 }
        return scalar.properties.isEmojiPresentation && !isRegionalIndicator(scalar) || isWide(scalar) ? 2 : 1
    }

    private static func isZeroWidth(_ scalar: Unicode.Scalar) -> Bool {
        // Vowels and final consonants of Hangul written in parts share the cell of the leading consonant.
        if (0x1160...0x11FF).contains(scalar.value) || (0xD7B0...0xD7FF).contains(scalar.value) { return true }
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .enclosingMark, .control: return true
        case .format: return scalar.value != 0xAD  // Terminals draw a soft hyphen.
        default: return false
        }
    }

    private static func isWide(_ scalar: Unicode.Scalar) -> Bool {
        guard scalar.value >= 0x1100 else { return false }
        let place = wide.partitioningIndex { $0.upperBound >= scalar.value }
        return place < wide.count && wide[place].contains(scalar.value)
    }

    /// East_Asian_Width W and F of Unicode's `EastAsianWidth.txt`, less the emoji, which the standard library knows.
    /// Gaps without any character are closed.
    private static let wide: [ClosedRange<UInt32>] = [
        0x1100...0x115F, 0x2329...0x232A, 0x2E80...0x303E, 0x3041...0x3247, 0x3250...0x4DBF, 0x4E00...0xA4C6,
        0xA960...0xA97C, 0xAC00...0xD7A3, 0xF900...0xFAD9, 0xFE10...0xFE19, 0xFE30...0xFE6B, 0xFF01...0xFF60,
        0xFFE0...0xFFE6, 0x16FE0...0x1B2FB, 0x1F200...0x1F265, 0x20000...0x2FFFD, 0x30000...0x3FFFD,
    ]
}

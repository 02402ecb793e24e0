/// Text from elsewhere, made safe to show: it can neither move the cursor, nor change colours or titles, nor turn the line's direction.
///
/// Whatever a terminal would obey is shown as a sign of its own: ESC as `␛`, a C1 control as `<U+009B>`, a byte that is no UTF-8
/// as `<FF>`. Line breaks stay (as `\n` alone) and a tab becomes spaces; everything else passes unchanged.
package enum Harmless {
    /// Bytes of any kind, as text.
    package static func text(_ bytes: some Collection<UInt8>) -> String {
        var result = String.UnicodeScalarView()
        var rest = bytes[...]
        while !rest.isEmpty {
            var parser = Unicode.UTF8.ForwardParser()
            var reader = rest.makeIterator()
            switch parser.parseScalar(from: &reader) {
            case .valid(let encoded):
                append(Unicode.UTF8.decode(encoded), to: &result)
                rest = rest.dropFirst(encoded.count)
            case .error(let length):
                for byte in rest.prefix(length) { result.append(contentsOf: "<\(hex(UInt32(byte), digits: 2))>".unicodeScalars) }
                rest = rest.dropFirst(length)
            case .emptyInput:
                rest = rest.dropFirst(rest.count)
            }
        }
        return withPlainLineBreaks(result)
    }

    /// The same for a string.
    package static func text(_ string: String) -> String {
        var result = String.UnicodeScalarView()
        for scalar in string.unicodeScalars { append(scalar, to: &result) }
        return withPlainLineBreaks(result)
    }

    /// On one line: line breaks are shown as `⏎`.
    package static func line(_ text: String) -> String {
        String(String.UnicodeScalarView(text.unicodeScalars.map { $0 == "\n" ? "\u{23CE}" : $0 }))
    }

    /// The visible form of CR is taken back where it was the first half of a line break.
    private static func withPlainLineBreaks(_ scalars: String.UnicodeScalarView) -> String {
        var result = String.UnicodeScalarView()
        for scalar in scalars {
            if scalar == "\n", result.last == carriageReturn { result.removeLast() }
            result.append(scalar)
        }
        return String(result)
    }

    private static let carriageReturn: Unicode.Scalar = "\u{240D}"

    private static func append(_ scalar: Unicode.Scalar, to result: inout String.UnicodeScalarView) {
        switch scalar.value {
        case 0x0A: result.append(scalar)
        case 0x09: result.append(contentsOf: "    ".unicodeScalars)
        case 0x00..<0x20: result.append(picture(of: scalar))
        case 0x7F: result.append("\u{2421}")
        case let value where isObeyed(value): result.append(contentsOf: "<U+\(hex(value, digits: 4))>".unicodeScalars)
        default: result.append(scalar)
        }
    }

    /// Unicode has a picture for each C0 control, in their order.
    private static func picture(of control: Unicode.Scalar) -> Unicode.Scalar {
        Unicode.Scalar(0x2400 + control.value) ?? "\u{FFFD}"
    }

    /// C1 controls, a soft hyphen (drawn by some terminals only), separators that some take for line breaks, and the marks that embed,
    /// override or isolate a direction: with those, text can pretend to be something else (CVE-2021-42574, "Trojan Source").
    static func isObeyed(_ value: UInt32) -> Bool {
        switch value {
        case 0x80...0x9F, 0xAD, 0x2028...0x202E, 0x2066...0x2069, 0xFFF9...0xFFFB, 0xE0001: true
        default: false
        }
    }

    private static func hex(_ value: UInt32, digits: Int) -> String {
        let text = String(value, radix: 16, uppercase: true)
        return String(repeating: "0", count: max(0, digits - text.utf8.count)) + text
    }
}

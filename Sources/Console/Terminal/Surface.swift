import Glibc

/// What is known of the place that output goes to: how wide it is, and whether it shows colours.
package struct Surface: Equatable, Sendable {
    /// Cells in a line; nil where there is no terminal, and nothing is folded or cut.
    package var width: Int?
    /// Whether SGR sequences are welcome.
    package var hasColours: Bool

    package init(width: Int?, hasColours: Bool) {
        self.width = width
        self.hasColours = hasColours
    }

    /// A file or a pipe.
    package static let file = Surface(width: nil, hasColours: false)

    package var isTerminal: Bool { width != nil }

    /// From what the system says: `COLUMNS` is asked where the terminal itself does not know its width, and `NO_COLOR`
    /// (https://no-color.org: anything but empty) and `TERM=dumb` turn colours off.
    package static func decide(isTerminal: Bool, terminalColumns: Int?, environment: (String) -> String?) -> Surface {
        guard isTerminal else { return .file }
        let asked = environment("COLUMNS").flatMap { Int($0) }
        let columns = [terminalColumns, asked].compactMap { $0 }.first { $0 > 0 } ?? columnsDefault
        let refusesColours = environment("NO_COLOR").map { !$0.isEmpty } ?? false
        return Surface(width: max(columns, columnsMin), hasColours: !refusesColours && environment("TERM") != "dumb")
    }

    /// What a file descriptor of this process leads to.
    package static func of(descriptor: Int32) -> Surface {
        var size = winsize()
        let answered = ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0
        return decide(
            isTerminal: isatty(descriptor) == 1,
            terminalColumns: answered ? Int(size.ws_col) : nil,
            environment: { getenv($0).map { String(cString: $0) } })
    }

    private static let columnsDefault = 80
    // Narrower than this no table is readable; the terminal then wraps it.
    private static let columnsMin = 40
}

/// A meaning that colour may carry. Nothing is said by colour alone.
package enum Tone: String, Sendable {
    case plain = ""
    case dim = "2"
    case strong = "1"
    case good = "32"
    case bad = "31"
    case warning = "33"
    case name = "36"

    /// The text in this tone, where the surface shows any.
    package func paint(_ text: String, on surface: Surface) -> String {
        guard surface.hasColours, self != .plain, !text.isEmpty else { return text }
        return "\u{1B}[\(rawValue)m\(text)\u{1B}[0m"
    }
}

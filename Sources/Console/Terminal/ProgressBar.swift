/// How far something long is, as one line of a terminal that is drawn again and again.
package struct ProgressBar: Equatable, Sendable {
    /// How much of it is done, from 0 to 1; nil where nobody knows.
    private var fraction: Double?
    /// What is said beside the bar.
    private var figures: String
    /// Since the beginning; what is left is reckoned from it.
    private var seconds: Double

    /// An import. `consumed` are the bytes read of the file, packed ones if it is packed; `size` is nil for a pipe.
    package init(consumed: Int64, size: Int64?, lines: Int, seconds: Double) {
        let perSecond = seconds > 0 ? Int(Double(lines) / seconds) : 0
        let rate = "\(Figures.lines(lines)), \(Figures.count(perSecond))/s"
        self.seconds = seconds
        if let size, size > 0 {
            // By the bytes so far: lines differ in length, and their number is not known before the end.
            fraction = min(1, Double(consumed) / Double(size))
            figures = rate
        } else {
            figures = "\(Figures.bytes(consumed)) read, \(rate)"
        }
    }

    /// Something that the daemon does. `deed` must be harmless; a total of 0 is one that is not known.
    package init(deed: String, done: Int, total: Int, seconds: Double) {
        self.seconds = seconds
        figures = deed
        guard total > 0 else { return }
        fraction = min(1, max(0, Double(done) / Double(total)))
        figures += "  \(Figures.count(done)) of \(Figures.count(total))"
    }

    /// The line for so many cells; less important things are left out where it is narrow.
    package func text(width: Int) -> String {
        guard let fraction else { return Folding.cut(figures, width: width) }
        let percent = "\(Int(fraction * 100))%"
        let tail = [percent, figures] + (remaining(fraction: fraction).map { ["\($0) left"] } ?? [])
        let text = tail.joined(separator: "  ")
        let room = min(Self.barCellsMax, width - DisplayWidth.of(text) - 1)
        guard room >= Self.barCellsMin else { return Folding.cut(text, width: width) }
        let filled = Int(Double(room) * fraction)
        return String(repeating: "\u{2588}", count: filled) + String(repeating: "\u{2591}", count: room - filled) + " " + text
    }

    private func remaining(fraction: Double) -> String? {
        guard seconds >= 1, fraction > 0.01, fraction < 1 else { return nil }
        return Figures.duration(seconds: Int64((seconds / fraction - seconds).rounded(.up)))
    }

    private static let barCellsMax = 30
    private static let barCellsMin = 8
}

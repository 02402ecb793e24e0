/// How far an import is, as one line of a terminal that is drawn again and again.
package struct ProgressBar: Equatable, Sendable {
    /// Bytes read of the file, packed ones if it is packed.
    package var consumed: Int64
    /// Bytes there are; nil for a pipe.
    package var size: Int64?
    package var lines: Int
    package var seconds: Double

    package init(consumed: Int64, size: Int64?, lines: Int, seconds: Double) {
        self.consumed = consumed
        self.size = size
        self.lines = lines
        self.seconds = seconds
    }

    /// The line for so many cells; less important things are left out where it is narrow.
    package func text(width: Int) -> String {
        let rate = "\(Figures.lines(lines)), \(Figures.count(linesPerSecond))/s"
        guard let size, size > 0 else { return Folding.cut("\(Figures.bytes(consumed)) read, \(rate)", width: width) }
        let fraction = min(1, Double(consumed) / Double(size))
        let percent = "\(Int(fraction * 100))%"
        let tail = [percent, rate] + (remaining(fraction: fraction).map { ["\($0) left"] } ?? [])
        let text = tail.joined(separator: "  ")
        let room = min(Self.barCellsMax, width - text.utf8.count - 1)
        guard room >= Self.barCellsMin else { return Folding.cut(text, width: width) }
        let filled = Int(Double(room) * fraction)
        return String(repeating: "\u{2588}", count: filled) + String(repeating: "\u{2591}", count: room - filled) + " " + text
    }

    private var linesPerSecond: Int { seconds > 0 ? Int(Double(lines) / seconds) : 0 }

    /// By the bytes so far: lines differ in length, and their number is not known before the end.
    private func remaining(fraction: Double) -> String? {
        guard seconds >= 1, fraction > 0.01, fraction < 1 else { return nil }
        return Figures.duration(seconds: Int64((seconds / fraction - seconds).rounded(.up)))
    }

    private static let barCellsMax = 30
    private static let barCellsMin = 8
}

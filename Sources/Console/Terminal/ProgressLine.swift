/// The progress bar on the terminal that errors go to, drawn ten times a second at the most.
struct ProgressLine {
    private let start = ContinuousClock.now
    private var drawn: ContinuousClock.Instant?
    private var width: Int?

    /// Where there is no terminal, nothing is drawn in any case.
    init(isShown: Bool) {
        width = isShown ? Output.errors.surface.width : nil
    }

    /// Whether anybody sees it.
    var isShown: Bool { width != nil }

    /// Since the beginning.
    var seconds: Double { Double((ContinuousClock.now - start) / .microseconds(1)) / 1e6 }

    mutating func draw(_ bar: ProgressBar) {
        let now = ContinuousClock.now
        guard let width, drawn.map({ now - $0 >= .milliseconds(100) }) ?? true else { return }
        drawn = now
        // The last cell stays free: some terminals go to the next line once it is filled.
        show(bar.text(width: width - 1))
    }

    mutating func clear() {
        if drawn != nil { show("") }
    }

    /// Over what stood there; the rest of the line is wiped.
    private mutating func show(_ text: String) {
        do throws(Trouble) {
            try Output.errors.write("\r\(text)\u{1B}[K")
        } catch {
            // Whoever closed the terminal does not miss the bar; the work goes on without.
            width = nil
        }
    }
}

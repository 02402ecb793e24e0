import Console
import Testing

struct ProgressBarTests {
    @Test("a file has a bar, a rate, and the time that is left")
    func file() {
        let bar = ProgressBar(consumed: 1_000_000, size: 4_000_000, lines: 5000, seconds: 2)
        #expect(bar.text(width: 80) == "███████░░░░░░░░░░░░░░░░░░░░░░░ 25%  5,000 lines, 2,500/s  6 s left")
    }

    @Test("it fits any width")
    func anyWidth() {
        let bar = ProgressBar(consumed: 1_000_000, size: 4_000_000, lines: 5000, seconds: 2)
        for width in 1...100 { #expect(DisplayWidth.of(bar.text(width: width)) <= width) }
    }

    @Test("a pipe has no end that is known")
    func pipe() {
        let bar = ProgressBar(consumed: 2048, size: nil, lines: 12, seconds: 0)
        #expect(bar.text(width: 80) == "2.0 KiB read, 12 lines, 0/s")
    }

    @Test("a file that grew meanwhile is not more than whole")
    func grown() {
        #expect(ProgressBar(consumed: 9, size: 3, lines: 1, seconds: 1).text(width: 80).contains("100%"))
    }
}

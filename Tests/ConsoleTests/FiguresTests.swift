import Console
import Testing

struct FiguresTests {
    @Test("counts are grouped by thousands", arguments: [(0, "0"), (999, "999"), (17_835, "17,835"), (-1_234_567, "-1,234,567")])
    func counts(number: Int, text: String) {
        #expect(Figures.count(number) == text)
    }

    @Test(
        "sizes are in binary units",
        arguments: [
            (0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (4_102_625, "3.9 MiB"), (1 << 30, "1.0 GiB"), ((1 << 20) - 1, "1.0 MiB"),
        ])
    func sizes(number: Int, text: String) {
        #expect(Figures.bytes(number) == text)
    }

    @Test("durations name their two largest units", arguments: [(0, "0 s"), (61, "1 min 1 s"), (3723, "1 h 2 min"), (90_000, "1 d 1 h")])
    func durations(seconds: Int, text: String) {
        #expect(Figures.duration(seconds: seconds) == text)
    }
}

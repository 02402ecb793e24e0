import Console
import Testing

struct SurfaceTests {
    private func decide(_ environment: [String: String], columns: Int? = 100, isTerminal: Bool = true) -> Surface {
        .decide(isTerminal: isTerminal, terminalColumns: columns) { environment[$0] }
    }

    @Test("only a terminal has a width and colours")
    func files() {
        #expect(decide(["COLUMNS": "70"], isTerminal: false) == .file)
        #expect(decide([:]) == Surface(width: 100, hasColours: true))
    }

    @Test("COLUMNS speaks where the terminal does not know, and 80 where nobody does")
    func width() {
        #expect(decide(["COLUMNS": "70"], columns: 0).width == 70)
        #expect(decide(["COLUMNS": "wide"], columns: nil).width == 80)
        #expect(decide([:], columns: 3).width == 40)
    }

    @Test("NO_COLOR and a dumb terminal turn colours off; an empty NO_COLOR does not")
    func colours() {
        #expect(!decide(["NO_COLOR": "1"]).hasColours)
        #expect(!decide(["TERM": "dumb"]).hasColours)
        #expect(decide(["NO_COLOR": ""]).hasColours)
        #expect(Tone.bad.paint("x", on: .file) == "x")
    }
}

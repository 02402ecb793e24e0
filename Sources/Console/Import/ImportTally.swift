/// What became of an import's lines.
package struct ImportTally: Equatable, Sendable {
    package private(set) var lines = 0
    package private(set) var accepted: [ImportLine.Kind: Int] = [:]
    package private(set) var present = 0
    package private(set) var refused: [ImportLine.Reason: Int] = [:]

    package init() {}

    /// One more line that the log took.
    package mutating func accept(_ kind: ImportLine.Kind) {
        lines += 1
        accepted[kind, default: 0] += 1
    }

    /// One more line that the log had already.
    package mutating func notePresent() {
        lines += 1
        present += 1
    }

    /// One more line that is not in the log.
    package mutating func refuse(_ reason: ImportLine.Reason) {
        lines += 1
        // A daemon's sentences could hold anything; the list of reasons stays readable, and bounded.
        let known = refused[reason] != nil || refused.count < Self.reasonsMax
        refused[known ? reason : Self.otherReasons, default: 0] += 1
    }

    /// Lines of which it is known that they are in the log.
    package var confirmed: Int { accepted.values.reduce(0, +) + present }

    package var refusedCount: Int { refused.values.reduce(0, +) }

    /// For people: a line each for what was accepted, was there already, and was refused.
    package func summary(seconds: Double) -> String {
        var rows: [(String, Int)] = [("accepted", accepted.values.reduce(0, +))]
        rows += ImportLine.Kind.allCases.compactMap { kind in accepted[kind].map { ("  \(kind.rawValue)", $0) } }
        rows.append(("already there", present))
        rows.append(("refused", refusedCount))
        rows += reasonsInOrder.map { ("  \($0.description)", $1) }
        let labelWidth = rows.map { DisplayWidth.of($0.0) }.max() ?? 0
        let numberWidth = rows.map { Figures.count($0.1).utf8.count }.max() ?? 0
        let body = rows.map { label, number in
            let figure = Figures.count(number)
            let space = labelWidth - DisplayWidth.of(label) + numberWidth - figure.utf8.count
            return label + String(repeating: " ", count: space + 2) + figure
        }
        return (body + [rate(seconds: seconds)]).map { $0 + "\n" }.joined()
    }

    private func rate(seconds: Double) -> String {
        let perSecond = seconds > 0 ? Double(lines) / seconds : 0
        return "\(Figures.lines(lines)) in \(Figures.decimal(seconds)) s (\(Figures.count(Int(perSecond))) lines/s)"
    }

    /// For programs: `{"lines", "accepted": {kind: n}, "present": n, "refused": {reason: n}, "seconds"}`.
    package func json(seconds: Double) -> JSON {
        .object([
            .init("lines", .integer(Int64(lines))),
            .init(
                "accepted",
                .object(
                    ImportLine.Kind.allCases.compactMap { kind in
                        accepted[kind].map { .init(kind.rawValue, .integer(Int64($0))) }
                    })),
            .init("present", .integer(Int64(present))),
            .init("refused", .object(reasonsInOrder.map { .init($0.description, .integer(Int64($1))) })),
            .init("seconds", .decimal((seconds * 1000).rounded() / 1000)),
        ])
    }

    /// The most frequent first.
    private var reasonsInOrder: [(ImportLine.Reason, Int)] {
        refused.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { ($0.key, $0.value) }
    }

    private static let reasonsMax = 50
    private static let otherReasons = ImportLine.Reason("other reasons")
}

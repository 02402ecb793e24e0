/// How `annals` ends. The numbers are part of its interface: scripts rely on them.
package enum EndStatus: Int32, CaseIterable, Sendable {
    case done = 0
    case refused = 1
    case usage = 2
    case unreachable = 3
    case failed = 4
    case input = 5
    case incomplete = 6
    case damaged = 7
    case tampered = 8
    case interrupted = 130  // 128 + SIGINT, as shells count it

    package var meaning: String {
        switch self {
        case .done: "done"
        case .refused: "the daemon refused: wrong argument, no right, conflict, unknown"
        case .usage: "wrong usage"
        case .unreachable: "the daemon cannot be reached, or the connection was lost"
        case .failed: "the daemon cannot at the moment: BUSY, FULL, READONLY, FAILED"
        case .input: "a file cannot be read or written, or is damaged"
        case .incomplete: "import --strict: some lines were refused"
        case .damaged: "audit verify: something is missing or cannot be read"
        case .tampered: "audit verify: something is not what was signed, or what the log says of itself"
        case .interrupted: "import was interrupted; run it again to go on"
        }
    }

    /// The list of them, for the help.
    package static var table: String {
        allCases.map { status in
            let number = String(status.rawValue)
            return "  " + number + String(repeating: " ", count: 5 - number.utf8.count) + status.meaning
        }.joined(separator: "\n")
    }
}

/// Why a command ends early: one sentence that says what to do, and the exit status that goes with it.
package struct Trouble: Error, Equatable, CustomStringConvertible {
    package var status: EndStatus
    package var sentence: String

    package init(_ status: EndStatus, _ sentence: String) {
        self.status = status
        self.sentence = sentence
    }

    package var description: String { sentence }
}

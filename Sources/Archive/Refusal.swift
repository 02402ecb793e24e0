/// A client's doing: answered with a fixed code and one plain sentence that says what to do. Nothing was changed.
package struct Refusal: Error, Hashable, Sendable {
    package var code: Code
    package var sentence: String

    package init(_ code: Code, _ sentence: String) {
        self.code = code
        self.sentence = sentence
    }

    /// The first word of an error on the wire. A code never gets a second meaning.
    package enum Code: String, Sendable, CaseIterable {
        case badArgument = "BADARG"
        case tooLong = "TOOLONG"
        case conflict = "CONFLICT"
        case unknown = "UNKNOWN"
        case denied = "DENIED"
        case auth = "AUTH"
        case held = "HELD"
        case locked = "LOCKED"
        case busy = "BUSY"
        case full = "FULL"
        case readOnly = "READONLY"
        case failed = "FAILED"
    }
}

extension Refusal: CustomStringConvertible {
    package var description: String { "\(code.rawValue) \(sentence)" }
}

extension Refusal {
    static let readOnly = Refusal(
        .readOnly, "a write failed, so nothing is appended any more; see the daemon's log, mend the disk and restart the daemon")
    static let shredding = Refusal(.busy, "keys are being destroyed at this moment, and no rule changes meanwhile; try again in a moment")
}

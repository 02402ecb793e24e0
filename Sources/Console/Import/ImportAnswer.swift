package import AnnalsClient

/// What the daemon's answer to an imported line means for the import.
package enum ImportAnswer: Equatable, Sendable {
    case settled(Shipment.Outcome)
    /// The daemon has no room at the moment.
    case busy
    /// No later line would fare better.
    case pointless(Trouble)

    package init(_ answer: RESPValue, to kind: ImportLine.Kind) {
        switch answer {
        case .error("BUSY", _):
            self = .busy
        case .error(let code, let message):
            let trouble = Trouble(.refused(code: code, message: message))
            self = Self.reason(code, message, kind: kind).map { .settled(.refused($0, detail: trouble.sentence)) } ?? .pointless(trouble)
        default:
            switch Self.status(of: answer) {
            case "appended": self = .settled(.appended(kind))
            case "present": self = .settled(.present)
            default: self = .pointless(.unexpected(answerTo: kind.rawValue))
            }
        }
    }

    /// `[position, status]`, or a map with `status` in it.
    private static func status(of answer: RESPValue) -> String? {
        if let status = answer["status"]?.string { return status }
        guard case .array(let values) = answer, values.count == 2 else { return nil }
        return values[1].string
    }

    /// The refusal of one line; nil for what would be the same for every line.
    private static func reason(_ code: String, _ message: String, kind: ImportLine.Kind) -> ImportLine.Reason? {
        switch code {
        case "BADARG": .bad(argument(namedBy: message) ?? "argument")
        case "TOOLONG": ImportLine.Reason("too long")
        case "CONFLICT": ImportLine.Reason("conflict")
        case "HELD": ImportLine.Reason("held")
        case "LOCKED": ImportLine.Reason("locked")
        // UNKNOWN also means that the daemon does not know the command.
        case "UNKNOWN" where kind == .localDelete && !message.hasPrefix("command"): ImportLine.Reason("unknown message")
        default: nil
        }
    }

    /// The daemon's sentences about an argument begin with its name: `message-id is empty; …`. In lines it may have another one.
    private static func argument(namedBy message: String) -> String? {
        let name = message.prefix { $0 != " " }.lowercased()
        return fieldsByArgument[name]
    }

    private static let fieldsByArgument = [
        "tenant": "tenant", "conversation": "conversation", "sender": "sender", "viewer": "viewer", "message-id": "message id",
        "body": "body", "at": "time", "period": "period", "reason": "reason",
    ]
}

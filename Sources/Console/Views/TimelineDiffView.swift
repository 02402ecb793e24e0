package import AnnalsClient

/// What became of one message for a viewer between two moments.
package enum TimelineChange: Sendable {
    /// `why`: the message at the later moment, explained; null where its id means another one by then.
    case appeared(AnnalsClient.Message, why: RESPValue, wasThere: Bool)
    case gone(AnnalsClient.Message, why: RESPValue)

    package var message: AnnalsClient.Message {
        switch self {
        case .appeared(let message, _, _), .gone(let message, _): message
        }
    }

    /// `appeared`, `kept-longer`, `hidden`, `expired` or `purged`; `gone` where nobody can tell how.
    var word: String {
        switch self {
        case .appeared(_, _, let wasThere): wasThere ? "kept-longer" : "appeared"
        case .gone(_, let why): why["state"]?.string ?? "gone"
        }
    }

    /// Whether nobody can be asked about it any more.
    var isUnexplained: Bool {
        switch self {
        case .appeared(_, let why, let wasThere): wasThere && why.isNull
        case .gone(_, let why): why.isNull
        }
    }

    /// The event that did it; nil where nobody decided anything, and time alone went by.
    var cause: Int? {
        switch self {
        case .appeared(let message, let why, let wasThere):
            wasThere ? why["why"]?["policy-position"]?.integer : message.position.rawValue
        case .gone(_, let why):
            switch word {
            case "hidden": why["why"]?["hidden-position"]?.integer
            case "purged": why["receipt"]?.integer
            default: why["why"]?["policy-position"]?.integer
            }
        }
    }

    package var json: JSON {
        .object([
            .init("change", .string(word)), .init("position", .integer(Int64(message.position.rawValue))),
            .init("id", .string(message.id)), .init("sender", .string(message.sender)), .init("at", .integer(Int64(message.at.rawValue))),
            .init("by", cause.map { .integer(Int64($0)) } ?? .null),
        ])
    }
}

/// The changes of a timeline, as a table.
package struct TimelineDiffView {
    private let view: View

    package init(_ view: View) { self.view = view }

    package func text(_ changes: [TimelineChange]) -> String {
        if changes.isEmpty { return view.remark("nothing changed") }
        var table = Table(
            [
                .init("change"), .init("position", isNumber: true, tone: .dim), view.timeColumn("sent"),
                .init("sender", widthMax: 20, tone: .name), .init("id"), .init("by", folds: true),
            ], on: view.surface)
        return table.render(changes.map(row))
    }

    private func row(_ change: TimelineChange) -> [Table.Cell] {
        let message = change.message
        return [
            Table.Cell(change.word, tone: Self.tone(change.word)), Table.Cell("#\(message.position)"),
            Table.Cell(view.moment(message.at.rawValue, to: .seconds)), Table.Cell(Harmless.text(message.sender)),
            Table.Cell(Harmless.text(message.id)), Table.Cell(Self.cause(of: change)),
        ]
    }

    private static func tone(_ word: String) -> Tone {
        switch word {
        case "appeared", "kept-longer": .good
        case "purged": .bad
        default: .warning
        }
    }

    private static func cause(of change: TimelineChange) -> String {
        if change.isUnexplained { return "unknown, since its id came again" }
        let event = change.cause.map { "#\($0)" }
        switch change.word {
        case "appeared": return "its send"
        case "hidden": return event.map { "the viewer's local delete \($0)" } ?? "a local delete"
        case "purged": return event.map { "the purge, receipt \($0)" } ?? "a purge that this log does not know of"
        case "kept-longer": return event.map { "the policy \($0)" } ?? "a policy that was cancelled"
        default: return "time" + (event.map { ", under the policy \($0)" } ?? ", under the default policy")
        }
    }
}

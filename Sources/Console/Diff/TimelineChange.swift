package import AnnalsClient

/// What became of one message between two moments.
package struct TimelineChange: Sendable {
    package var message: AnnalsClient.Message
    package var deed: Deed
    /// Who sees it no more, where all viewers are asked about.
    package var viewer: String?

    package enum Deed: Hashable, Sendable {
        case appeared
        case keptLonger(RuleCause)
        /// By a local delete.
        case hidden(Int?)
        case expired(RuleCause)
        /// With its receipt.
        case purged(Int?)
        /// Its id means another message by then, so nobody can be asked.
        case gone
    }

    package init(_ message: AnnalsClient.Message, _ deed: Deed, viewer: String? = nil) {
        self.message = message
        self.deed = deed
        self.viewer = viewer
    }

    package var word: String {
        switch deed {
        case .appeared: "appeared"
        case .keptLonger: "kept-longer"
        case .hidden: "hidden"
        case .expired: "expired"
        case .purged: "purged"
        case .gone: "gone"
        }
    }

    /// The event that did it. Where time alone went by: the one that set the rule; nil for the default.
    package var cause: Int? {
        switch deed {
        case .appeared: message.position.rawValue
        case .hidden(let event), .purged(let event): event
        case .keptLonger(let cause), .expired(let cause):
            switch cause {
            case .time(let rule): rule.position
            case .change(let event, _): event
            case .unknown: nil
            }
        case .gone: nil
        }
    }

    package var json: JSON {
        var members: [JSON.Member] = [
            .init("change", .string(word)), .init("position", .integer(Int64(message.position.rawValue))),
            .init("id", .string(message.id)), .init("sender", .string(message.sender)), .init("at", .integer(Int64(message.at.rawValue))),
            .init("by", cause.map { .integer(Int64($0)) } ?? .null),
        ]
        if let viewer { members.append(.init("viewer", .string(viewer))) }
        return .object(members)
    }

    /// What did it, for people.
    var causeWords: String {
        switch deed {
        case .appeared: return "its send"
        case .hidden(let event): return event.map { "\(whose) local delete #\($0)" } ?? "a local delete"
        case .purged(let event): return event.map { "the purge, receipt #\($0)" } ?? "a purge that this log does not know of"
        case .gone: return "unknown, since its id came again"
        case .keptLonger(let cause), .expired(let cause):
            switch cause {
            case .time(let rule): return "time, under \(Self.words(rule))"
            case .change(let event, let rule) where rule.position == event: return Self.words(rule)
            case .change(let event, let rule): return "#\(event), which left it to \(Self.words(rule))"
            case .unknown: return "unknown, since its id came again, or a rule came in later that is older"
            }
        }
    }

    private var whose: String { viewer.map { Harmless.text($0) + "'s" } ?? "the viewer's" }

    private static func words(_ rule: Decider) -> String {
        guard let position = rule.position else { return "the default policy" }
        return "the \(rule.isFloor ? "floor" : "policy") #\(position)"
    }
}

import AnnalsClient
import Events

/// Asks the daemon what messages were as of moments. How long a message is kept is worked out there, and nowhere else.
struct Assessor {
    let tenant: String
    let client: AnnalsClient

    /// A message as of a moment.
    struct Assessment {
        /// When it ends, by the rules of then; nil: never.
        var expires: Int?
        var decider: Decider
        var receipt: Int?
        var isPurged: Bool

        func isExpired(at time: Int) -> Bool { expires.map { $0 <= time } ?? false }
    }

    /// Those whose ids mean them at that moment.
    func assess(
        _ messages: [AnnalsClient.Message], at moment: LogMoment
    ) async throws(Trouble) -> [AnnalsClient.Position: Assessment] {
        var found: [AnnalsClient.Position: Assessment] = [:]
        var rest = messages[...]
        while !rest.isEmpty {
            let some = rest.prefix(500)
            rest = rest.dropFirst(some.count)
            let answers = try await client.ask(
                all: some.map { ["MESSAGE.GET", .text(tenant), .text($0.id), "ASOF", .text(moment.word), "EXPLAIN"] })
            for (message, answer) in zip(some, answers) where answer["position"]?.integer == message.position.rawValue {
                found[message.position] = Assessment(
                    expires: answer["expires"]?.integer, decider: Decider(answer["why"]), receipt: answer["receipt"]?.integer,
                    isPurged: answer["state"]?.string == "purged")
            }
        }
        return found
    }

    func assess(_ message: AnnalsClient.Message, at moment: LogMoment) async throws(Trouble) -> Assessment? {
        try await assess([message], at: moment)[message.position]
    }

    /// Those that a viewer had not hidden by that moment, expired or not.
    func unhidden(
        by viewer: String, of messages: [AnnalsClient.Message], at moment: LogMoment
    ) async throws(Trouble) -> [AnnalsClient.Position] {
        if messages.isEmpty { return [] }
        let answers = try await client.ask(
            all: messages.map { message in
                ["MESSAGE.GET", .text(tenant), .text(message.id), "VIEWER", .text(viewer), "ASOF", .text(moment.word), "EXPLAIN"]
            })
        return zip(messages, answers).compactMap { message, answer in
            answer["why"]?["hidden-position"]?.integer == nil ? message.position : nil
        }
    }
}

import AnnalsClient

/// Compares a conversation as of two moments: as one viewer saw it, or all of it.
struct TimelineDiff {
    private let tenant: String
    private let conversation: String
    private let eyes: Eyes
    private let from: LogMoment
    private let to: LogMoment
    private let client: AnnalsClient

    enum Eyes {
        case viewer(String)
        /// An auditor's, who says why he looks.
        case everybody(reason: String)
    }

    /// What came of it.
    struct Outcome {
        var changes: [TimelineChange] = []
        /// Whether there was nothing at either moment.
        var isEmpty = true
    }

    init(_ tenant: String, _ conversation: String, _ eyes: Eyes, from: LogMoment, to: LogMoment, _ client: AnnalsClient) {
        (self.tenant, self.conversation, self.eyes) = (tenant, conversation, eyes)
        (self.from, self.to, self.client) = (from, to, client)
    }

    func run() async throws(Trouble) -> Outcome {
        let before = try await messages(asOf: from)
        let after = try await messages(asOf: to)
        let rules = try await RuleCauses(tenant, conversation, from: from, to: to, client)
        var changes: [TimelineChange]
        switch eyes {
        case .viewer: changes = try await seen(before, after, rules)
        case .everybody:
            changes = try await states(before, after, rules)
            changes += try await hidings(among: before + after)
        }
        changes.sort { ($0.message.at, $0.message.position, $0.order) < ($1.message.at, $1.message.position, $1.order) }
        return Outcome(changes: changes, isEmpty: before.isEmpty && after.isEmpty)
    }

    /// What a viewer sees no more, or only now.
    private func seen(
        _ before: [AnnalsClient.Message], _ after: [AnnalsClient.Message], _ rules: RuleCauses
    ) async throws(Trouble) -> [TimelineChange] {
        let (known, remaining) = (Set(before.map(\.position)), Set(after.map(\.position)))
        var changes: [TimelineChange] = []
        for message in after where !known.contains(message.position) {
            let deed = from.includes(message) ? TimelineChange.Deed.keptLonger(try await cause(of: message, rules)) : .appeared
            changes.append(TimelineChange(message, deed))
        }
        for message in before where !remaining.contains(message.position) {
            changes.append(TimelineChange(message, try await deed(thatTook: message, rules)))
        }
        return changes
    }

    /// What first took a message from the viewer.
    private func deed(thatTook message: AnnalsClient.Message, _ rules: RuleCauses) async throws(Trouble) -> TimelineChange.Deed {
        guard let answer = try await explained(message, asOf: to) else { return .gone }
        let hidden = answer["why"]?["hidden-position"]?.integer
        switch answer["state"]?.string {
        case "hidden": return .hidden(hidden)
        case "purged":
            let receipt = answer["receipt"]?.integer
            if let hidden, hidden < receipt ?? 0 { return .hidden(hidden) }
            return .purged(receipt)
        case "expired":
            let cause = try await cause(of: message, rules)
            if let hidden, try await isHidden(by: hidden, before: answer["expires"]?.integer, cause) { return .hidden(hidden) }
            return .expired(cause)
        default: return .gone
        }
    }

    /// Whether a local delete came before the end of a message's period, which is when the change that shortened it came, if one did.
    private func isHidden(by hidden: Int, before end: Int?, _ cause: RuleCause) async throws(Trouble) -> Bool {
        if case .change(let event, _) = cause { return hidden < event }
        guard let end, let event = try await LogMoment.event(atOrAfter: hidden, client) else { return false }
        return LogMoment.time(of: event) < end
    }

    /// What became of each message, whoever looks.
    private func states(
        _ before: [AnnalsClient.Message], _ after: [AnnalsClient.Message], _ rules: RuleCauses
    ) async throws(Trouble) -> [TimelineChange] {
        let earlier = Dictionary(before.map { ($0.position, $0) }) { $1 }
        var changes: [TimelineChange] = []
        for message in after {
            let known = earlier[message.position]
            if known == nil { changes.append(TimelineChange(message, .appeared)) }
            let was = if let known { try await state(of: known, asOf: from) } else { AnnalsClient.Message.State.visible }
            let isNow = try await state(of: message, asOf: to)
            switch (was, isNow) {
            case (.visible, .purged), (.expired, .purged): changes.append(TimelineChange(message, .purged(message.receipt?.rawValue)))
            case (.visible, .expired): changes.append(TimelineChange(message, .expired(try await cause(of: message, rules))))
            case (.expired, .visible): changes.append(TimelineChange(message, .keptLonger(try await cause(of: message, rules))))
            default: break
            }
        }
        return changes
    }

    /// What it was then: of what is destroyed since, the answer says only that it is.
    private func state(of message: AnnalsClient.Message, asOf moment: LogMoment) async throws(Trouble) -> AnnalsClient.Message.State {
        guard message.state == .purged, let receipt = message.receipt?.rawValue else { return message.state }
        if try await moment.includes(receipt, client) { return .purged }
        return message.expires.map { $0.rawValue <= moment.time } ?? false ? .expired : .visible
    }

    /// Who hid which of the messages between the moments, each once.
    private func hidings(among messages: [AnnalsClient.Message]) async throws(Trouble) -> [TimelineChange] {
        guard var next = try await from.firstBeyond(client) else { return [] }
        var all = Dictionary(messages.map { ($0.position, $0) }) { $1 }
        all = all.filter { $0.value.state != .unknown }
        var (changes, seen): ([TimelineChange], Set<String>) = ([], [])
        while true {
            let events = try await client.ask(["EVENTS.READ", "FROM", .number(next), "COUNT", 1000, "TENANT", .text(tenant)]).array ?? []
            for event in events {
                guard let position = event["position"]?.integer, let at = event["at"]?.integer else { continue }
                next = position + 1
                guard event["kind"]?.string == "local-delete", event["conversation"]?.string == conversation,
                    to.includes(position, since: at), !from.includes(position, since: at), let viewer = event["viewer"]?.string
                else { continue }
                for message in all.values where Self.isHit(message, by: event) && seen.insert("\(message.position) \(viewer)").inserted {
                    changes.append(TimelineChange(message, .hidden(position), viewer: viewer))
                }
            }
            guard let last = events.last, LogMoment.time(of: last) <= to.time else { return changes }
        }
    }

    private static func isHit(_ message: AnnalsClient.Message, by event: RESPValue) -> Bool {
        if let end = event["up-to"]?.integer { return message.position.rawValue <= end }
        guard let position = event["position"]?.integer, message.position.rawValue < position else { return false }
        return event["message-ids"]?.array?.contains { $0.string == message.id } ?? false
    }

    private func cause(of message: AnnalsClient.Message, _ rules: RuleCauses) async throws(Trouble) -> RuleCause {
        guard let before = try await explained(message, asOf: from), let after = try await explained(message, asOf: to) else {
            return .unknown
        }
        return try await rules.cause(of: message.id, before: Decider(before["why"]), after: Decider(after["why"]))
    }

    /// Nil where its id means another message by then.
    private func explained(_ message: AnnalsClient.Message, asOf moment: LogMoment) async throws(Trouble) -> RESPValue? {
        var words: [Word] = ["MESSAGE.GET", .text(tenant), .text(message.id)]
        if case .viewer(let viewer) = eyes { words += ["VIEWER", .text(viewer)] }
        let answer = try await client.ask(words + ["ASOF", .text(moment.word), "EXPLAIN"])
        return answer["position"]?.integer == message.position.rawValue ? answer : nil
    }

    /// The whole timeline as of a moment, page after page.
    private func messages(asOf moment: LogMoment) async throws(Trouble) -> [AnnalsClient.Message] {
        var found: [AnnalsClient.Message] = []
        var cursor = "-"
        while true {
            var words: [Word] = ["TIMELINE", .text(tenant), .text(conversation)]
            switch eyes {
            case .viewer(let viewer): words += ["VIEWER", .text(viewer)]
            case .everybody(let reason): words += ["REASON", .text(reason)]
            }
            words += ["AFTER", .text(cursor), "COUNT", .number(Self.pageCount), "ASOF", .text(moment.word)]
            let page: AnnalsClient.Page
            let answer = try await client.ask(words)
            do throws(AnnalsClientError) { page = try AnnalsClient.Page(answer) } catch { throw Trouble(error) }
            found += page.messages
            guard let next = page.next else { return found }
            cursor = next.rawValue
        }
    }

    private static let pageCount = 1000
}

extension TimelineChange {
    /// Of one message's: it comes before it goes.
    fileprivate var order: Int {
        switch deed {
        case .appeared: 0
        case .keptLonger: 1
        case .hidden: 2
        case .expired, .gone: 3
        case .purged: 4
        }
    }
}

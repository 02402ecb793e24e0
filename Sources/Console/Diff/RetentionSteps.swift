import AnnalsClient
import Events

/// The changes of retention that took effect between two moments and concern a conversation, in their order: what made a message expire, or
/// brought it back.
///
/// Between two of them only time goes by. So the message is assessed behind each, from the last one back, until one is found behind which it
/// was not yet what it is in the end; by then it either ran out, or the next change did it.
struct RetentionSteps {
    private let assessor: Assessor
    private let from: LogMoment
    /// Whether what came in later counts by its position, or by its time.
    private let isByPosition: Bool
    /// What takes effect at one moment, together.
    private let steps: [Step]
    /// Whether a change was imported behind the later position that is of an earlier time: questions as of a time know of it, and nobody
    /// can be asked what was so without it.
    private let isClouded: Bool
    /// When the later moment is: by then it had happened, whenever it did.
    private let latest: Int
    /// All changes, by position.
    private let rules: [Int: Rule]

    /// Of whom, and whether it is the floor.
    private struct Rule: Hashable {
        var scope: [UInt8]
        var target: String
    }

    private struct Step {
        var moment: LogMoment
        var changes: [Int]
    }

    /// What made a message what it is, and when.
    struct Turn {
        var cause: RuleCause
        var time: Int

        /// The change, if it was one.
        var event: Int? { if case .change(let event, _) = cause { event } else { nil } }
    }

    init(
        of conversation: String, from: LogMoment, to: LogMoment, _ assessor: Assessor
    ) async throws(Trouble) {
        self.assessor = assessor
        self.from = from
        isByPosition = from.isPosition
        let tenant = Word.text(assessor.tenant)
        let scopes: [[Word]] = [["SYSTEM"], ["TENANT", tenant], ["TENANT", tenant, "CONVERSATION", .text(conversation)]]
        var rules: [Int: Rule] = [:]
        var isClouded = false
        var changes: [(position: Int, moment: LogMoment)] = []
        for scope in scopes {
            for event in try await assessor.client.ask(["RETENTION.HISTORY"] + scope).array ?? [] {
                guard let position = event["position"]?.integer, let since = event["effective-at"]?.integer else { continue }
                rules[position] = Rule(scope: event["scope"]?.bytes ?? [], target: event["target"]?.string ?? "")
                isClouded = isClouded || since <= to.time && !to.includes(position, since: .min)
                guard to.includes(position, since: since), !from.includes(position, since: since) else { continue }
                let recorded = LogMoment.time(of: event)
                // One that waited for its time, or that is told by times, took effect at a time; any other as it came in.
                let isAtOnce = isByPosition && since <= recorded
                changes.append(
                    (
                        position,
                        isAtOnce
                            ? LogMoment(.position(UInt64(clamping: position)), time: min(recorded, to.time))
                            : LogMoment(.time(Instant(milliseconds: Int64(since))), time: since)
                    ))
            }
        }
        changes.sort { ($0.moment.time, $0.position) < ($1.moment.time, $1.position) }
        var steps: [Step] = []
        for (position, moment) in changes {
            if let last = steps.last, last.moment.moment == moment.moment {
                steps[steps.count - 1].changes.append(position)
            } else {
                steps.append(Step(moment: moment, changes: [position]))
            }
        }
        self.steps = steps
        self.rules = rules
        self.isClouded = isClouded
        latest = to.time
    }

    /// - Parameter isExpired: what it is in the end, and was not in the beginning.
    func turn(of message: AnnalsClient.Message, to isExpired: Bool) async throws(Trouble) -> Turn {
        let isThere = from.includes(message)
        let start = isThere ? from : try await birth(of: message)
        guard let first = try await assessor.assess(message, at: start) else { return Turn(cause: .unknown, time: .max) }
        let later = isThere ? steps : steps.filter { ($0.moment.time, $0.changes[0]) > (start.time, message.position.rawValue) }
        if isClouded, later.contains(where: { !$0.moment.isPosition }) { return Turn(cause: .unknown, time: latest) }
        guard let last = later.last else { return Turn(cause: .time(under: first.decider), time: first.expires ?? .max) }
        guard var found = try await assessor.assess(message, at: last.moment) else { return Turn(cause: .unknown, time: .max) }
        for (index, step) in later.enumerated().reversed() {
            if found.isExpired(at: step.moment.time) != isExpired { break }
            let before = index == 0 ? first : try await assessor.assess(message, at: later[index - 1].moment)
            guard let before else { return Turn(cause: .unknown, time: .max) }
            if before.isExpired(at: step.moment.time) != isExpired {
                let cause = RuleCause.change(doer(among: step.changes, before.decider, found.decider), to: found.decider)
                return Turn(cause: cause, time: step.moment.time)
            }
            found = before
        }
        return Turn(cause: .time(under: found.decider), time: found.expires ?? .max)
    }

    /// When it came in, or was sent.
    private func birth(of message: AnnalsClient.Message) async throws(Trouble) -> LogMoment {
        if isByPosition { return try await LogMoment(.position(UInt64(clamping: message.position.rawValue)), assessor.client) }
        return LogMoment(.time(Instant(milliseconds: Int64(message.at.rawValue))), time: message.at.rawValue)
    }

    /// Of changes that took effect together: the rule that decides since, or what stands in the place of the one that did before.
    private func doer(among changes: [Int], _ before: Decider, _ after: Decider) -> Int {
        if let position = after.position, changes.contains(position) { return position }
        let ended = before.position.flatMap { rules[$0] }
        return changes.last { rules[$0] == ended } ?? changes[changes.count - 1]
    }
}

import AnnalsClient
import Events

/// A moment that a question is asked as of, and what the log says of it: what it includes, and what came behind it.
struct LogMoment {
    let moment: Moment
    /// Milliseconds since 1970: of a position, when its event came in.
    let time: Int

    /// The words of `ASOF`.
    var word: String { moment.word }

    /// Whether it is said by a position: then what came in later is not known, whenever it is said to have happened.
    var isPosition: Bool { if case .position = moment { true } else { false } }

    init(_ moment: Moment, time: Int) {
        self.moment = moment
        self.time = time
    }

    /// Asks the daemon when a position was. One beyond the end is later than all; questions as of it are refused.
    init(_ moment: Moment, _ client: AnnalsClient) async throws(Trouble) {
        switch moment {
        case .time(let time): self.init(moment, time: Int(time.milliseconds))
        case .position(0): self.init(moment, time: .min)
        case .position(let position):
            let event = try await Self.event(atOrAfter: Int(clamping: position), client)
            self.init(moment, time: event.map(Self.time) ?? .max)
        }
    }

    /// Whether an event at a position, which counts from a time on, belongs to what was known by then.
    func includes(_ position: Int, since time: Int) -> Bool {
        switch moment {
        case .time: time <= self.time
        case .position(let last): position <= Int(clamping: last) && time <= self.time
        }
    }

    func includes(_ message: AnnalsClient.Message) -> Bool { includes(message.position.rawValue, since: message.at.rawValue) }

    /// The first position that is not included, or where to look for it; nil behind the log's end.
    func firstBeyond(_ client: AnnalsClient) async throws(Trouble) -> Int? {
        if case .position(let position) = moment { return Int(clamping: position) + 1 }
        guard let position = try await client.ask(["STATS"])["position"]?.integer else { throw .unexpected(answerTo: "STATS") }
        var (low, high) = (1, position + 1)
        while low < high {
            let middle = (low + high) / 2
            if let event = try await Self.event(atOrAfter: middle, client), Self.time(of: event) <= time {
                low = middle + 1
            } else {
                high = middle
            }
        }
        return low <= position ? low : nil
    }

    /// When the server took an event in.
    static func time(of event: RESPValue) -> Int { (event["recorded"] ?? event["at"])?.integer ?? .min }

    /// The event at a position, or the next one that has not left the log; nil beyond the end.
    static func event(atOrAfter position: Int, _ client: AnnalsClient) async throws(Trouble) -> RESPValue? {
        try await client.ask(["EVENTS.READ", "FROM", .number(max(1, position)), "COUNT", 1]).array?.first
    }
}

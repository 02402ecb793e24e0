import AnnalsClient

/// Who hid what between two moments: the first local delete by each viewer of each message that he saw, or that came in since.
struct Hidings {
    struct Hiding {
        var viewer: String
        var event: Int
        var time: Int
    }

    private var all: [AnnalsClient.Position: [[UInt8]: Hiding]] = [:]
    private let messages: [AnnalsClient.Message]
    /// By their bytes, as all names: two that Unicode calls the same are two.
    private let byID: [[UInt8]: [AnnalsClient.Message]]
    private let isNew: (AnnalsClient.Message) -> Bool
    /// Whether it was when the server heard of it, or when it is said to have been.
    private let isByPosition: Bool

    init(among messages: [AnnalsClient.Message], isByPosition: Bool, isNew: @escaping (AnnalsClient.Message) -> Bool) {
        self.messages = messages
        self.isByPosition = isByPosition
        self.isNew = isNew
        byID = Dictionary(grouping: messages) { Array($0.id.utf8) }
    }

    /// By whom a message was hidden, in no order.
    func of(_ message: AnnalsClient.Message) -> [Hiding] { all[message.position].map { Array($0.values) } ?? [] }

    /// Takes a local delete. `seen` are the messages that its viewer saw at the earlier moment.
    mutating func take(_ event: RESPValue, by viewer: String, seen: Set<AnnalsClient.Position>) {
        guard let position = event["position"]?.integer, let at = event["at"]?.integer else { return }
        let time = isByPosition ? LogMoment.time(of: event) : at
        let hit: [AnnalsClient.Message]
        if let end = event["up-to"]?.integer {
            hit = messages.filter { $0.position.rawValue <= end }
        } else {
            // The id means the latest that was there.
            hit = (event["message-ids"]?.array ?? []).compactMap { id in
                byID[id.bytes ?? []]?.filter { $0.position.rawValue < position }.max { ($0.at, $0.position) < ($1.at, $1.position) }
            }
        }
        let name = Array(viewer.utf8)
        for message in hit where seen.contains(message.position) || isNew(message) {
            let known = all[message.position]?[name]
            if let known, (known.time, known.event) < (time, position) { continue }
            all[message.position, default: [:]][name] = Hiding(viewer: viewer, event: position, time: time)
        }
    }
}

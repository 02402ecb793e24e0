import AnnalsClient

/// Who hid what between two moments: the first local delete by each viewer of each message that he saw, or that came in since.
struct Hidings {
    struct Hiding {
        var viewer: String
        var event: Int
        var time: Int
    }

    private(set) var all: [AnnalsClient.Position: [Hiding]] = [:]
    private let messages: [AnnalsClient.Message]
    /// By their bytes, as all names: two that Unicode calls the same are two.
    private let byID: [[UInt8]: [AnnalsClient.Message]]
    private let isNew: (AnnalsClient.Message) -> Bool
    private var known: Set<Key> = []

    private struct Key: Hashable {
        var message: AnnalsClient.Position
        var viewer: [UInt8]
    }

    init(among messages: [AnnalsClient.Message], isNew: @escaping (AnnalsClient.Message) -> Bool) {
        self.messages = messages
        self.isNew = isNew
        byID = Dictionary(grouping: messages) { Array($0.id.utf8) }
    }

    /// Takes a local delete. `seen` are the messages that its viewer saw at the earlier moment.
    mutating func take(_ event: RESPValue, by viewer: String, seen: Set<AnnalsClient.Position>) {
        guard let position = event["position"]?.integer, let time = event["at"]?.integer else { return }
        let hit: [AnnalsClient.Message]
        if let end = event["up-to"]?.integer {
            hit = messages.filter { $0.position.rawValue <= end }
        } else {
            // The id means the latest that was there.
            hit = (event["message-ids"]?.array ?? []).compactMap { id in
                byID[id.bytes ?? []]?.filter { $0.position.rawValue < position }.max { ($0.at, $0.position) < ($1.at, $1.position) }
            }
        }
        for message in hit where seen.contains(message.position) || isNew(message) {
            guard known.insert(Key(message: message.position, viewer: Array(viewer.utf8))).inserted else { continue }
            all[message.position, default: []].append(Hiding(viewer: viewer, event: position, time: time))
        }
    }
}

/// What Annals promises, told in the simplest way: everything that was accepted in a list, gone through for every question.
///
/// Shares no code with the product: times are milliseconds, names are texts, and the calendar is its own.
struct PurgeModel {
    struct Message {
        var position = 0
        var at: Int
        var tenant: String
        var conversation: String
        var sender: String
        var id: String
        var body: String
    }
    struct Coverage {
        var tenant: String?
        var conversation: String?
        var sender: String?
        var from: Int?
        var until: Int?

        func covers(_ message: Message) -> Bool {
            (tenant ?? message.tenant) == message.tenant && (conversation ?? message.conversation) == message.conversation
                && (sender ?? message.sender) == message.sender && message.at >= from ?? message.at
                && message.at < until ?? message.at + 1
        }
    }
    struct Rule {
        var tenant: String?
        var conversation: String?
        var isFloor = false
        /// Nil: inherit.
        var period: String?
        var isLocked = false
        var effectiveAt = 0
    }
    enum Deed {
        case send(Message)
        case hide(viewer: String, [Int])
        case clear(conversation: String, viewer: String, upTo: Int)
        case rule(Rule)
        case cancel(Int)
        case place(String, Coverage)
        case release(String)
    }
    struct Entry {
        var position: Int
        var at: Int
        var deed: Deed
    }
    struct Moment: Hashable {
        var position: Int
        var time: Int
    }
    enum State: String { case purged, expired, hidden, visible }
    enum Fate { case due, held, floored, locked, living }
    struct Part: Hashable {
        var partition: Int
        var tenant: String
    }
    struct Purge {
        var coverage: Coverage
        /// Nil: what is expired.
        var before: Int?
        var horizon: Moment
    }
    /// The milliseconds of a partition: an hour, a day, or a week.
    let partitionLength: Int
    private(set) var entries: [String: [Entry]] = [:]
    private(set) var messages: [String: [Message]] = [:]
    /// By position of the message, its receipt.
    private(set) var destroyed: [Int: Moment] = [:]

    init(partitionLength: Int) { self.partitionLength = partitionLength }

    /// Weeks begin on Mondays, and 1970 on a Thursday.
    func partition(of at: Int) -> Int { (at + (partitionLength == 7 * Calendar.day ? 3 * Calendar.day : 0)) / partitionLength }

    /// `tenant`: empty for what is about the whole system.
    mutating func note(_ deed: Deed, tenant: String, position: Int, at: Int) {
        entries[tenant, default: []].append(Entry(position: position, at: at, deed: deed))
        guard case .send(var message) = deed else { return }
        message.position = position
        messages[tenant, default: []].append(message)
    }
    /// What a receipt destroyed; gives those messages of which it is news.
    mutating func note(_ purge: Purge, of parts: Set<Part>, receipt: Moment) -> [Message] {
        var news: [Message] = []
        for tenant in Set(parts.map(\.tenant)) {
            let view = view(of: tenant, at: purge.horizon)
            for message in messages[tenant] ?? [] where parts.contains(Part(partition: partition(of: message.at), tenant: tenant)) {
                guard destroyed[message.position] == nil, view.fate(of: message, purge) == .due else { continue }
                destroyed[message.position] = receipt
                news.append(message)
            }
        }
        return news
    }
    /// What a plan must name, by part and fate.
    func plan(_ purge: Purge) -> [Part: [Fate: [Message]]] {
        var found: [Part: [Fate: [Message]]] = [:]
        for (tenant, messages) in messages where purge.coverage.tenant ?? tenant == tenant {
            let view = view(of: tenant, at: purge.horizon)
            for message in messages where destroyed[message.position] == nil {
                found[Part(partition: partition(of: message.at), tenant: tenant), default: [:]][view.fate(of: message, purge), default: []]
                    .append(message)
            }
        }
        return found
    }
    func view(of tenant: String, at moment: Moment) -> View {
        let known = ((entries[tenant] ?? []) + (tenant.isEmpty ? [] : entries[""] ?? []))
            .filter { $0.position <= moment.position && $0.at <= moment.time }
        return View(known: known.sorted { $0.position < $1.position }, moment: moment, destroyed: destroyed)
    }
    /// What is known of a tenant as of a moment.
    struct View {
        let known: [Entry]
        let moment: Moment
        let destroyed: [Int: Moment]

        var messages: [Message] {
            known.compactMap {
                guard case .send(var message) = $0.deed else { return nil }
                message.position = $0.position
                return message
            }
        }
        /// The rule of a scope that is in force, with its place.
        func rule(_ tenant: String?, _ conversation: String?, isFloor: Bool) -> Rule? {
            var standing: [(entry: Entry, rule: Rule)] = []
            for entry in known {
                if case .cancel(let change) = entry.deed { standing.removeAll { $0.entry.position == change } }
                guard case .rule(let rule) = entry.deed, rule.tenant == tenant, rule.conversation == conversation, rule.isFloor == isFloor
                else { continue }
                standing.append((entry, rule))
            }
            let counting = standing.filter { old in
                !standing.contains {
                    $0.entry.position > old.entry.position && $0.entry.at >= old.entry.at && $0.rule.effectiveAt <= old.rule.effectiveAt
                }
            }
            return counting.filter { $0.rule.effectiveAt <= moment.time }.max {
                ($0.rule.effectiveAt, $0.entry.position) < ($1.rule.effectiveAt, $1.entry.position)
            }?.rule
        }

        private func rules(of message: Message, isFloor: Bool) -> [Rule] {
            [(message.tenant, message.conversation), (message.tenant, nil), (nil, nil)].compactMap { rule($0, $1, isFloor: isFloor) }
        }

        /// The end of the message's policy, and of the last of its floors. `Int.max` is never.
        func ends(of message: Message) -> (policy: Int, floor: Int, isLocked: Bool) {
            let policy = rules(of: message, isFloor: false).first { $0.period != nil }
            let floors = rules(of: message, isFloor: true).compactMap(\.period).map { Calendar.end(of: $0, from: message.at) }
            return (Calendar.end(of: policy?.period ?? "180d", from: message.at), floors.max() ?? 0, policy?.isLocked ?? false)
        }

        func end(of message: Message) -> Int { max(ends(of: message).policy, ends(of: message).floor) }

        func isHeld(_ message: Message) -> Bool {
            var standing: [String: Coverage] = [:]
            for entry in known {
                if case .place(let hold, let coverage) = entry.deed { standing[hold] = coverage }
                if case .release(let hold) = entry.deed { standing[hold] = nil }
            }
            return standing.values.contains { $0.covers(message) }
        }

        func isHidden(_ message: Message, from viewer: String) -> Bool {
            known.contains { entry in
                switch entry.deed {
                case .hide(viewer, let positions): positions.contains(message.position)
                case .clear(message.conversation, viewer, let upTo): message.position <= upTo
                default: false
                }
            }
        }

        /// And whether the message would be visible but for a purge that came later.
        func state(of message: Message, for viewer: String?) -> (State, wasVisible: Bool) {
            let receipt = destroyed[message.position]
            if let receipt, receipt.position <= moment.position, receipt.time <= moment.time { return (.purged, false) }
            if end(of: message) <= moment.time { return (.expired, false) }
            if let viewer, isHidden(message, from: viewer) { return (.hidden, false) }
            return receipt == nil ? (.visible, true) : (.purged, true)
        }

        func fate(of message: Message, _ purge: Purge) -> Fate {
            guard message.position <= moment.position, purge.coverage.covers(message) else { return .living }
            let (policy, floor, isLocked) = ends(of: message)
            let isExpired = max(policy, floor) <= moment.time
            guard isExpired || message.at < purge.before ?? 0 else { return .living }
            if isHeld(message) { return .held }
            if isExpired { return .due }
            return floor > moment.time ? .floored : isLocked ? .locked : .due
        }
    }
}

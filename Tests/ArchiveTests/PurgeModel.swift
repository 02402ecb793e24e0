/// What Annals promises, told in the simplest way: everything that was accepted in a list, gone through for every moment.
///
/// Shares no code with the product: times are milliseconds, names are texts, and the calendar is Foundation's. With `ModelRules` and
/// `ModelCalendar` it is all of the model; which changes of a rule are accepted is told by `RulingModel`, which stands on it.
struct PurgeModel {
    struct Message: Hashable {
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
    enum Deed {
        case send(Message)
        case hide(viewer: String, [Int])
        case clear(conversation: String, viewer: String, upTo: Int)
        case rule(ModelRules.Change)
        case cancel(Int)
        case place(String, Coverage)
        case release(String)
    }
    struct Moment: Hashable {
        var position: Int
        var time: Int

        func includes(_ other: Moment) -> Bool { other.position <= position && other.time <= time }
    }
    struct Entry {
        var moment: Moment
        var deed: Deed
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
        entries[tenant, default: []].append(Entry(moment: Moment(position: position, time: at), deed: deed))
        if case .send(let message) = deed { messages[tenant, default: []].append(message) }
    }
    /// What a receipt destroyed; gives those messages of which it is news.
    mutating func note(_ purge: Purge, of parts: Set<Part>, receipt: Moment) -> [Message] {
        let news = plan(purge).flatMap { parts.contains($0) ? $1[.due] ?? [] : [] }
        for message in news { destroyed[message.position] = receipt }
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
            .filter { moment.includes($0.moment) }.sorted { $0.moment.position < $1.moment.position }
        return View(of: known, moment, destroyed)
    }
    /// What is known of a tenant as of a moment.
    struct View {
        let moment: Moment
        let destroyed: [Int: Moment]
        private(set) var messages: [Message] = []
        private(set) var rules = ModelRules()
        private var holds: [String: Coverage] = [:]
        private var hidden: [Deed] = []
        /// By position of the message.
        private var ends: [Int: End] = [:]

        /// Of its policy, of the last of its floors, and of the last policy around it that is locked. `Int.max` is never.
        struct End {
            var policy: Int
            var floor: Int
            var lock: Int
        }

        init(of known: [Entry], _ moment: Moment, _ destroyed: [Int: Moment]) {
            (self.moment, self.destroyed) = (moment, destroyed)
            for entry in known {
                switch entry.deed {
                case .send(let message): messages.append(message)
                case .hide, .clear: hidden.append(entry.deed)
                case .rule(let change): rules.note(change)
                case .cancel(let change): rules.cancel(change)
                case .place(let hold, let coverage): holds[hold] = coverage
                case .release(let hold): holds[hold] = nil
                }
            }
            for message in messages { ends[message.position] = ends(of: message) }
        }
        private func ends(of message: Message) -> End {
            let own = ModelRules.Scope(tenant: message.tenant, conversation: message.conversation)
            let scopes = [own] + own.wider
            let floors = scopes.compactMap { rules.change(of: $0.floor, at: moment.time)?.period }
            let locks = scopes.compactMap { rules.change(of: $0, at: moment.time) }.filter(\.isLock).compactMap(\.period)
            let last = { (periods: [String]) in periods.map { Calendar.end(of: $0, from: message.at) }.max() ?? 0 }
            return End(policy: last([rules.period(of: scopes[0], at: moment.time) ?? "forever"]), floor: last(floors), lock: last(locks))
        }
        func end(of message: Message) -> Int { ends[message.position].map { max($0.policy, $0.floor) } ?? .max }

        func isHeld(_ message: Message) -> Bool { holds.values.contains { $0.covers(message) } }

        func isHidden(_ message: Message, from viewer: String) -> Bool {
            hidden.contains { deed in
                switch deed {
                case .hide(viewer, let positions): positions.contains(message.position)
                case .clear(message.conversation, viewer, let upTo): message.position <= upTo
                default: false
                }
            }
        }
        /// And whether the message would be visible but for a purge that came later.
        func state(of message: Message, for viewer: String?) -> (State, wasVisible: Bool) {
            let receipt = destroyed[message.position]
            if let receipt, moment.includes(receipt) { return (.purged, false) }
            if end(of: message) <= moment.time { return (.expired, false) }
            if let viewer, isHidden(message, from: viewer) { return (.hidden, false) }
            return receipt == nil ? (.visible, true) : (.purged, true)
        }
        func fate(of message: Message, _ purge: Purge) -> Fate {
            guard message.position <= moment.position, purge.coverage.covers(message) else { return .living }
            let isExpired = end(of: message) <= moment.time
            guard isExpired || message.at < purge.before ?? 0, let end = ends[message.position] else { return .living }
            if isHeld(message) || isExpired { return isHeld(message) ? .held : .due }
            return end.floor > moment.time ? .floored : end.lock > moment.time ? .locked : .due
        }
    }
}

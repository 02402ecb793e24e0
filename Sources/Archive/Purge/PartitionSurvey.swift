import Events
import Ledger
import Projections
import Vault

/// What one partition holds, judged: by tenant, and there by key.
struct PartitionSurvey {
    /// What a partition counts by.
    struct Row: Hashable {
        var key: KeyID
        var tenant: TenantID
        var conversation: ConversationID
        var sender: UserID
    }

    struct Tally {
        var keys: [KeyID: KeyTally] = [:]
        var conversations: Set<ConversationID> = []
        /// Rows of which some are due and others not yet.
        var isPartlyDue = false
        /// When the oldest due message expired; earlier than that none did.
        var oldestExpiry: Instant?
    }

    struct KeyTally {
        var due: UInt64 = 0
        var bytes: UInt64 = 0
        var others: UInt64 = 0

        /// Of messages that are due.
        mutating func add(messages: UInt64, bytes: UInt64) {
            due += messages
            self.bytes += bytes
        }
    }

    private(set) var tenants: [TenantID: Tally] = [:]
    private(set) var held: UInt64 = 0
    private(set) var floored: UInt64 = 0
    private(set) var locked: UInt64 = 0
    /// When the next of those expires that are not expired yet.
    private(set) var nextExpiry: Instant?

    /// A row of which some is due and other messages live on for now.
    mutating func notePartlyDue(_ row: Row) {
        tenants[row.tenant, default: Tally()].isPartlyDue = true
    }

    /// `stretch`: when the messages were sent.
    mutating func add(_ row: Row, _ fate: Fate, messages: UInt64, bytes: UInt64, of stretch: Stretch, _ terms: Terms) {
        switch fate {
        case .due: break
        case .living: if let end = terms.earliestEnd(in: stretch) { nextExpiry = min(nextExpiry ?? end, end) }
        case .held: held += messages
        case .floored: floored += messages
        case .locked: locked += messages
        }
        // In its place: taken out, its sets would be copied for every row.
        tenants[row.tenant, default: Tally()].add(row, fate, messages: messages, bytes: bytes, of: stretch, terms)
    }
}

extension PartitionSurvey {
    /// What a plan leaves of a partition: when more of it is due, and when it must be gone.
    struct Rest: Hashable {
        var due: Instant?
        var deadline: Instant?
    }

    /// `patient`: the tenants whose due messages the plan leaves for now.
    func rest(_ patient: [Tally], _ patience: Int64) -> Rest {
        let waiting = patient.compactMap(\.oldestExpiry).min()
        let due = [waiting, nextExpiry].compactMap { $0 }.min()
        return Rest(due: due, deadline: due?.advanced(byMilliseconds: patience))
    }
}

extension PartitionSurvey.Tally {
    mutating func add(_ row: PartitionSurvey.Row, _ fate: Fate, messages: UInt64, bytes: UInt64, of stretch: Stretch, _ terms: Terms) {
        guard fate == .due else { return keys[row.key, default: PartitionSurvey.KeyTally()].others += messages }
        keys[row.key, default: PartitionSurvey.KeyTally()].add(messages: messages, bytes: bytes)
        conversations.insert(row.conversation)
        if let expiry = terms.earliestEnd(in: stretch) { oldestExpiry = min(oldestExpiry ?? expiry, expiry) }
    }

    var isDue: Bool { keys.values.contains { $0.due > 0 } }

    /// What of it is to be destroyed; nil for nothing, or nothing yet.
    func line(_ tenant: TenantID, _ partition: PartitionID, _ patience: Int64?, at now: Instant) -> PurgePlan.Line? {
        let dying = keys.filter { $0.value.due > 0 }
        guard !dying.isEmpty else { return nil }
        if let patience, isPartlyDue, let oldestExpiry, oldestExpiry.advanced(byMilliseconds: patience) > now { return nil }
        let line = PurgeLine(
            partition: partition.number, tenant: tenant, keys: dying.keys.map(\.rawValue).sorted(),
            messages: dying.values.reduce(0) { $0 + $1.due }, conversations: UInt64(conversations.count),
            bytes: dying.values.reduce(0) { $0 + $1.bytes })
        return PurgePlan.Line(line: line, survivors: dying.values.reduce(0) { $0 + $1.others })
    }
}

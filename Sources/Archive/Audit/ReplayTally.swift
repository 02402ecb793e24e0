package import Events
import LMDB
import Ledger
import Projections

extension ReplayedLog {
    /// By tenant.
    package func tallies() throws(ArchiveFailure) -> [TenantID: Tally] {
        let ids = store.shelf.all
        let found = Cores.map(ids.count) { index in Result { () throws(ArchiveFailure) in try tallies(in: ids[index]) } }
        var all: [TenantID: Tally] = [:]
        for result in found { all.merge(try result.get()) { $0.joined(by: $1) } }
        return all
    }

    private func tallies(in id: PartitionID) throws(ArchiveFailure) -> [TenantID: Tally] {
        guard let lease = try lease(id) else { return [:] }
        do {
            var tally = PartitionTally(of: self, id)
            while try tally.addSlice(of: lease.partition) {}
            return tally.byTenant
        } catch { throw ArchiveFailure(error) }
    }
}

/// Counts the messages of a partition without making an event of each: only what a hold or a purge may be about is looked at as a whole.
private struct PartitionTally {
    private let log: ReplayedLog
    private let isEachJudged: Bool
    private let deletes: LocalDeletes
    private let fingerprints: Fingerprints
    private var bench: ReplayedLog.Bench
    private var place = Position.first
    /// Grouped by fingerprint, told apart by name.
    private var conversations: [Conversation] = []
    private var firstOf: [Fingerprint: Int] = [:]

    private struct Conversation {
        let key: ConversationKey
        let tenant: TenantID
        let rules: ReplayedLog.Bench.Conversation
        var tally = ReplayedLog.Tally()
        /// The next one of the same fingerprint; hardly ever there.
        let sibling: Int?
    }

    /// So many records are read in one snapshot.
    private static let sliceMax = 10_000

    init(of log: ReplayedLog, _ id: PartitionID) {
        self.log = log
        deletes = log.store.state.deletes
        fingerprints = log.store.fingerprints
        isEachJudged = !log.rules.holds.isEmpty || log.rules.purges.concern(id.number)
        bench = ReplayedLog.Bench(log)
    }

    var byTenant: [TenantID: ReplayedLog.Tally] {
        conversations.reduce(into: [:]) { all, one in all[one.tenant] = all[one.tenant]?.joined(by: one.tally) ?? one.tally }
    }

    /// False where there are no more records.
    mutating func addSlice(of partition: Partition) throws -> Bool {
        var seen = 0
        try partition.environment.read { reader in
            try log.store.state.environment.read { state in
                var cursor = try reader.cursor(in: partition.trail)
                var isThere = try cursor.seek(atLeast: place.key.span.bytes)
                while isThere, seen < Self.sliceMax {
                    let position = cursor.key.word(0)
                    do {
                        try cursor.value.withUnsafeBytes { try add($0, at: position, state) }
                    } catch let fault as TrailFault { throw ArchiveFailure.damaged(place: partition.environment.path, fault) }
                    seen += 1
                    isThere = try cursor.next()
                }
            }
        }
        return seen > 0
    }

    private mutating func add(_ record: UnsafeRawBufferPointer, at position: UInt64?, _ state: Reader) throws {
        let fields = try TrailFields(parsing: record)
        guard fields.position.rawValue == position, fields.position.rawValue <= Int64.max else { throw TrailFault.malformed("position") }
        place = fields.position.next
        guard fields.kind == .send, fields.at <= bench.horizon.time else { return }
        let send = try SendFields(of: fields, in: record)
        try send.check(fields, in: record)
        let index = try conversation(of: send, fields, in: record, state)
        if isEachJudged { return try addJudged(record, to: index, state) }
        let isHidden =
            try !bench.hides.hiders(of: fields.position, within: bench.horizon, in: deletes, state).isEmpty
            || conversations[index].rules.clears.contains { $0.upTo >= fields.position }
        conversations[index].tally.add(
            Visibility.state(at: fields.at, under: conversations[index].rules.terms, isHidden: false, asOf: bench.horizon.time),
            isHidden: isHidden,
            isHeld: false)
    }

    private mutating func addJudged(_ record: UnsafeRawBufferPointer, to index: Int, _ state: Reader) throws {
        let event = try Event(decoding: record)
        guard case .send(let send) = event.deed, let tenant = event.tenant else { return }
        let message = try log.message(event, send, tenant, &bench, state)
        conversations[index].tally.add(message.state, isHidden: !message.hiders.isEmpty, isHeld: message.isHeld)
    }

    private mutating func conversation(
        of send: SendFields, _ fields: TrailFields, in record: UnsafeRawBufferPointer, _ state: Reader
    ) throws -> Int {
        let (tenant, name) = (fields.tenant.bytes(in: record), send.conversation.bytes(in: record))
        let fingerprint = fingerprints.of(name, in: tenant)
        let first = firstOf[fingerprint]
        var index = first
        while let found = index {
            if conversations[found].key.isOf(tenant, name) { return found }
            index = conversations[found].sibling
        }
        let (tenantID, conversationID) = (try TenantID(checking: tenant), try ConversationID(checking: name))
        conversations.append(
            Conversation(
                key: ConversationKey(tenantID, conversationID), tenant: tenantID,
                rules: try log.conversation(tenantID, conversationID, &bench, state), sibling: first))
        firstOf[fingerprint] = conversations.count - 1
        return conversations.count - 1
    }
}

extension ReplayedLog.Tally {
    fileprivate mutating func add(_ state: MessageState, isHidden: Bool, isHeld: Bool) {
        messages += 1
        switch state {
        case .visible, .hidden:
            visible += 1
            if isHidden { hidden += 1 }
        case .expired: expired += 1
        case .purged: purged += 1
        }
        if isHeld, state != .purged { held += 1 }
    }

    fileprivate func joined(by other: Self) -> Self {
        Self(
            messages: messages + other.messages, visible: visible + other.visible, hidden: hidden + other.hidden,
            expired: expired + other.expired, held: held + other.held, purged: purged + other.purged)
    }
}

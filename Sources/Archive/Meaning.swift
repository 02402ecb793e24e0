import Events
import Projections
import Vault

/// What some events of one partition add to its indexes and to the state: worked out in plain values, before any file
/// is touched, and the same whether the events come from the journal or from the trail.
struct Meaning {
    private(set) var rows: [PartitionIndex.Row] = []
    private(set) var gains = ConversationGains()
    /// What is sealed under which key.
    private(set) var holdings = HoldingGains()
    /// The events that are no `send`, with their records.
    private(set) var others: [(event: Event, record: [UInt8])] = []
    private(set) var events: UInt64 = 0
    private(set) var messages: UInt64 = 0
    private(set) var bodyBytes: UInt64 = 0
    private(set) var recorded = Instant.distantPast
    private(set) var first = Position.none
    private(set) var last = Position.none

    /// Adds an event behind all others. `names` are its fingerprints, where they are known already; `key` is what its body is sealed
    /// under, if it is still there. Returns what a `send` says.
    @discardableResult
    mutating func add(
        _ record: UnsafeRawBufferPointer, _ names: IndexedNames? = nil, key: KeyID?, fingerprints: Fingerprints
    ) throws(TrailFault) -> SendFields? {
        try add(TrailFields(parsing: record), record, nil, names, key: key, fingerprints: fingerprints)
    }

    /// The same, of a record whose fields are found already, and which is decoded already if there is an `event`.
    @discardableResult
    mutating func add(
        _ fields: TrailFields, _ record: UnsafeRawBufferPointer, _ event: Event? = nil, _ names: IndexedNames? = nil, key: KeyID?,
        fingerprints: Fingerprints
    ) throws(TrailFault) -> SendFields? {
        let send = fields.kind == .send ? try SendFields(of: fields, in: record) : nil
        if let send {
            try add(send, of: fields, record, names ?? IndexedNames(of: send, fields, in: record, fingerprints), key, fingerprints)
        } else {
            let event = if let event { event } else { try Event(decoding: record) }
            add(event, record, names ?? IndexedNames(of: event, fingerprints))
        }
        events += 1
        recorded = max(recorded, fields.imported ?? fields.at)
        if first == .none { first = fields.position }
        last = fields.position
        return send
    }

    private mutating func add(
        _ send: SendFields, of fields: TrailFields, _ record: UnsafeRawBufferPointer, _ names: IndexedNames, _ key: KeyID?,
        _ fingerprints: Fingerprints
    ) throws(TrailFault) {
        messages += 1
        bodyBytes += UInt64(send.bodyBytes)
        try gains.add(
            Fingerprint(names.conversation), tenant: fields.tenant.bytes(in: record), name: send.conversation.bytes(in: record),
            position: fields.position, bodyBytes: UInt64(send.bodyBytes))
        if let key {
            try holdings.add(
                key, tenant: fields.tenant.bytes(in: record), Fingerprint(names.conversation), send.conversation.bytes(in: record),
                sender: send.sender.bytes(in: record), at: fields.at, bodyBytes: UInt64(send.bodyBytes), fingerprints)
        }
        rows.append(
            PartitionIndex.Row(
                message: Fingerprint(names.message), conversation: Fingerprint(names.conversation), at: fields.at,
                position: fields.position))
    }

    private mutating func add(_ event: Event, _ record: UnsafeRawBufferPointer, _ names: IndexedNames) {
        others.append((event, [UInt8](record)))
        if names.message != 0 {
            rows.append(
                PartitionIndex.Row(message: Fingerprint(names.message), conversation: nil, at: event.at, position: event.position))
        }
        guard let tenant = event.tenant, let name = event.conversation else { return }
        let key = ConversationKey(tenant, name)
        gains.add(Fingerprint(names.conversation), .init(key: key, firstMessage: .last, last: event.position, messages: 0, bodyBytes: 0))
    }
}

/// What conversations gained, each once. Grouped by fingerprint, told apart by name.
struct ConversationGains {
    private(set) var all: [ConversationGain] = []
    /// Of each: the next one of the same fingerprint; hardly ever there.
    private var siblings: [Int?] = []
    private var firstOf: [Fingerprint: Int] = [:]

    /// Adds a message.
    mutating func add(
        _ fingerprint: Fingerprint, tenant: UnsafeRawBufferPointer, name: UnsafeRawBufferPointer, position: Position, bodyBytes: UInt64
    ) throws(TrailFault) {
        let index = index(of: fingerprint) { $0.isOf(tenant, name) }
        if let index { return all[index].add(firstMessage: position, last: position, messages: 1, bodyBytes: bodyBytes) }
        let key: ConversationKey
        // The names are checked once more: they came from the disk.
        do { key = try ConversationKey(checking: tenant, name) } catch { throw .malformed("name") }
        append(ConversationGain(key: key, firstMessage: position, last: position, messages: 1, bodyBytes: bodyBytes), fingerprint)
    }

    mutating func add(_ fingerprint: Fingerprint, _ gain: ConversationGain) {
        guard let index = index(of: fingerprint, where: { $0 == gain.key }) else { return append(gain, fingerprint) }
        all[index].add(firstMessage: gain.firstMessage, last: gain.last, messages: gain.messages, bodyBytes: gain.bodyBytes)
    }

    /// Adds what others gained; they keep their fingerprints.
    mutating func add(_ others: ConversationGains) {
        for (fingerprint, first) in others.firstOf {
            var index: Int? = first
            while let found = index {
                add(fingerprint, others.all[found])
                index = others.siblings[found]
            }
        }
    }

    private func index(of fingerprint: Fingerprint, where isIt: (ConversationKey) -> Bool) -> Int? {
        var index = firstOf[fingerprint]
        while let found = index, !isIt(all[found].key) { index = siblings[found] }
        return index
    }

    private mutating func append(_ gain: ConversationGain, _ fingerprint: Fingerprint) {
        all.append(gain)
        siblings.append(firstOf[fingerprint])
        firstOf[fingerprint] = all.count - 1
    }
}

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
    /// under, if it is still there.
    mutating func add(
        _ record: UnsafeRawBufferPointer, _ names: IndexedNames? = nil, key: KeyID?, fingerprints: Fingerprints
    ) throws(TrailFault) {
        let fields = try TrailFields(parsing: record)
        let names = if let names { names } else { try IndexedNames(of: fields, in: record, fingerprints: fingerprints) }
        if fields.kind == .send {
            try add(fields, record, names, key, fingerprints)
        } else {
            add(try Event(decoding: record), record, names)
        }
        events += 1
        recorded = max(recorded, fields.imported ?? fields.at)
        if first == .none { first = fields.position }
        last = fields.position
    }

    private mutating func add(
        _ fields: TrailFields, _ record: UnsafeRawBufferPointer, _ names: IndexedNames, _ key: KeyID?, _ fingerprints: Fingerprints
    ) throws(TrailFault) {
        let send = try SendFields(of: fields, in: record)
        messages += 1
        bodyBytes += UInt64(send.bodyBytes)
        gains.add(
            Fingerprint(names.conversation), tenant: fields.tenant.bytes(in: record), name: send.conversation.bytes(in: record),
            position: fields.position, messages: 1, bodyBytes: UInt64(send.bodyBytes))
        if let key {
            holdings.add(
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
        tenant.utf8.withUnsafeBytes { tenant in
            name.utf8.withUnsafeBytes { name in
                gains.add(
                    Fingerprint(names.conversation), tenant: tenant, name: name, position: event.position, messages: 0,
                    bodyBytes: 0)
            }
        }
    }
}

/// What conversations gained, each once. Grouped by fingerprint, told apart by name.
struct ConversationGains {
    private(set) var all: [Gain] = []
    fileprivate var firstOf: [Fingerprint: Int] = [:]

    struct Gain {
        var tenant: [UInt8]
        var name: [UInt8]
        var last: Position
        var messages: UInt64
        var bodyBytes: UInt64
        /// The next conversation of the same fingerprint; hardly ever there.
        var sibling: Int?
    }

    mutating func add(
        _ fingerprint: Fingerprint, tenant: UnsafeRawBufferPointer, name: UnsafeRawBufferPointer, position: Position,
        messages: UInt64, bodyBytes: UInt64
    ) {
        var index = firstOf[fingerprint]
        while let found = index, !(all[found].name.elementsEqual(name) && all[found].tenant.elementsEqual(tenant)) {
            index = all[found].sibling
        }
        if let index {
            all[index].last = max(all[index].last, position)
            all[index].messages += messages
            all[index].bodyBytes += bodyBytes
        } else {
            all.append(
                Gain(
                    tenant: [UInt8](tenant), name: [UInt8](name), last: position, messages: messages, bodyBytes: bodyBytes,
                    sibling: firstOf[fingerprint]))
            firstOf[fingerprint] = all.count - 1
        }
    }
}

extension ConversationGains {
    /// Adds what others gained; they keep their fingerprints.
    mutating func add(_ others: ConversationGains) {
        for (fingerprint, first) in others.firstOf {
            var index: Int? = first
            while let found = index {
                let gain = others.all[found]
                gain.tenant.withUnsafeBytes { tenant in
                    gain.name.withUnsafeBytes { name in
                        add(
                            fingerprint, tenant: tenant, name: name, position: gain.last, messages: gain.messages,
                            bodyBytes: gain.bodyBytes)
                    }
                }
                index = gain.sibling
            }
        }
    }

    /// What a partition's counts gain.
    func counted() throws(TrailFault) -> [PartitionIndex.Gain] {
        try all.filter { $0.messages > 0 }.map { (gain) throws(TrailFault) in
            let (tenant, conversation) = try gain.names()
            return PartitionIndex.Gain(
                tenant: tenant, conversation: conversation, messages: gain.messages, bodyBytes: gain.bodyBytes)
        }
    }
}

extension ConversationGains.Gain {
    /// The names, checked once more: they came from the disk.
    func names() throws(TrailFault) -> (TenantID, ConversationID) {
        do { return (try TenantID(tenant), try ConversationID(name)) } catch { throw .malformed("name") }
    }
}

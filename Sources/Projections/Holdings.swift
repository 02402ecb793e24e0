package import Events
package import LMDB

/// What is present in a partition, counted by the key it is sealed under, by conversation and by sender: what a purge would destroy can
/// be told from here without looking at any message.
extension PartitionIndex {
    package struct Holding: Hashable, Sendable {
        package var key: UInt64
        package var tenant: TenantID
        package var conversation: ConversationID
        package var sender: UserID
        package var messages: UInt64
        package var bytes: UInt64
        /// No message is of an earlier time, and none of a later one than `last`. Exact until messages are moved away.
        package var first: Instant
        package var last: Instant

        package init(
            key: UInt64, tenant: TenantID, conversation: ConversationID, sender: UserID, messages: UInt64, bytes: UInt64,
            first: Instant, last: Instant
        ) {
            self.key = key
            self.tenant = tenant
            self.conversation = conversation
            self.sender = sender
            self.messages = messages
            self.bytes = bytes
            self.first = first
            self.last = last
        }

        /// In which all of its messages were sent.
        package var stretch: Stretch { Stretch(from: first, through: last) }

        /// The same, as it is added.
        package var gain: HoldingGain {
            var row = NamedKey(key)
            row.append(tenant.utf8)
            row.append(conversation.utf8)
            row.append(sender.utf8)
            return HoldingGain(key: row.bytes, messages: messages, bytes: bytes, first: first, last: last)
        }
    }

    /// What comes to a holding, under the bytes of its key: key, tenant, conversation and sender.
    package struct HoldingGain: Sendable {
        package var key: [UInt8]
        package var messages: UInt64
        package var bytes: UInt64
        package var first: Instant
        package var last: Instant

        fileprivate init(key: [UInt8], messages: UInt64, bytes: UInt64, first: Instant, last: Instant) {
            self.key = key
            self.messages = messages
            self.bytes = bytes
            self.first = first
            self.last = last
        }

        /// One message. Its names may be anything.
        package init(
            key: UInt64, checking tenant: UnsafeRawBufferPointer, _ conversation: UnsafeRawBufferPointer,
            _ sender: UnsafeRawBufferPointer, at: Instant, bytes: UInt64
        ) throws(NameFault) {
            if let fault = NameFault.find(in: tenant) ?? NameFault.find(in: conversation) ?? NameFault.find(in: sender) { throw fault }
            let length = 8 + tenant.count + conversation.count + sender.count + 3
            self.key = [UInt8](unsafeUninitializedCapacity: length) { room, count in
                var rest = UnsafeMutableRawBufferPointer(room)
                rest.storeBytes(of: key.bigEndian, as: UInt64.self)
                rest = UnsafeMutableRawBufferPointer(rebasing: rest[8...])
                rest.append(tenant)
                rest.append(conversation)
                rest.append(sender)
                count = length
            }
            messages = 1
            self.bytes = bytes
            first = at
            last = at
        }

        package func isOf(
            _ tenant: UnsafeRawBufferPointer, _ conversation: UnsafeRawBufferPointer, _ sender: UnsafeRawBufferPointer
        ) -> Bool {
            key.withUnsafeBytes { key in
                var rest = UnsafeRawBufferPointer(rebasing: key[8...])
                return rest.take(tenant) && rest.take(conversation) && rest.take(sender) && rest.isEmpty
            }
        }

        package mutating func add(at: Instant, bytes: UInt64) {
            messages += 1
            self.bytes += bytes
            first = min(first, at)
            last = max(last, at)
        }

        fileprivate var row: HoldingRow {
            HoldingRow(
                names: key,
                count: HoldingCount(messages: Int64(messages), bytes: Int64(bytes), times: first.milliseconds...last.milliseconds))
        }

        /// The same, as it is taken away.
        fileprivate var loss: HoldingRow {
            HoldingRow(names: key, count: HoldingCount(messages: -Int64(messages), bytes: -Int64(bytes), times: nil))
        }
    }

    /// Adds to what is there.
    package func addHoldings(_ gains: [HoldingGain], _ transaction: inout WriteTransaction) throws(ProjectionFailure) {
        try holdings.add(gains.map(\.row), &transaction)
    }

    /// Moves messages from the keys that they are counted under to others. More than there are cannot be moved: then the table is damaged,
    /// as whoever reads it next will find.
    package func move(_ moved: [(holding: Holding, key: UInt64)], _ transaction: inout WriteTransaction) throws(ProjectionFailure) {
        var rows: [HoldingRow] = []
        for (holding, key) in moved {
            rows.append(holding.gain.loss)
            var gained = holding
            gained.key = key
            rows.append(gained.gain.row)
        }
        try holdings.add(rows, &transaction)
    }

    /// Forgets all that is counted under a key.
    package func removeHoldings(of key: UInt64, _ transaction: inout WriteTransaction) throws(ProjectionFailure) {
        try holdings.remove(key, &transaction)
    }

    /// Calls `body` with all that is there, in order of key, tenant, conversation and sender.
    package func holdings(
        _ reader: Reader, _ body: (Holding) throws(ProjectionFailure) -> Void
    ) throws(ProjectionFailure) {
        for key in try holdings.keys(reader) { try holdings(of: key, reader, body) }
    }

    /// Calls `body` with what is counted under a key, in order of tenant, conversation and sender.
    package func holdings(
        of key: UInt64, _ reader: Reader, _ body: (Holding) throws(ProjectionFailure) -> Void
    ) throws(ProjectionFailure) {
        var names = NamesOfHolding()
        try holdings.forEach(of: key, reader) { row throws(ProjectionFailure) in
            guard let holding = names.holding(row) else { throw .damaged(path: path, table: "holdings") }
            try body(holding)
        }
    }

    /// The keys under which anything is counted, or was before it was moved away.
    package func holdingKeys(_ reader: Reader) throws(ProjectionFailure) -> Set<UInt64> { Set(try holdings.keys(reader)) }
}

/// Takes rows apart one after the other. Neighbours share their tenant, and most their conversation: these names are made once.
private struct NamesOfHolding {
    private var tenant: TenantID?
    private var conversation: ConversationID?

    mutating func holding(_ row: HoldingRow) -> PartitionIndex.Holding? {
        guard let times = row.count.times else { return nil }
        return row.names.withUnsafeBytes { bytes in
            var rest = bytes[8...]
            guard let tenant = Self.name(from: &rest, or: self.tenant), let conversation = Self.name(from: &rest, or: self.conversation),
                let sender = Self.name(from: &rest, or: UserID?.none), rest.isEmpty
            else { return nil }
            self.tenant = tenant
            self.conversation = conversation
            return PartitionIndex.Holding(
                key: row.key, tenant: tenant, conversation: conversation, sender: sender, messages: UInt64(row.count.messages),
                bytes: UInt64(row.count.bytes), first: Instant(milliseconds: times.lowerBound),
                last: Instant(milliseconds: times.upperBound))
        }
    }

    private static func name<Of>(from rest: inout Slice<UnsafeRawBufferPointer>, or last: Name<Of>?) -> Name<Of>? {
        guard let end = rest.firstIndex(of: 0) else { return nil }
        let bytes = UnsafeRawBufferPointer(rebasing: rest[rest.startIndex..<end])
        rest = rest[(end + 1)...]
        if let last, last.utf8.elementsEqual(bytes) { return last }
        do { return try Name(checking: bytes) } catch { return nil }
    }
}

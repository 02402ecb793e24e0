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
            HoldingRow(key: key, count: HoldingCount(messages: messages, bytes: bytes, first: first, last: last))
        }
    }

    /// Adds to what is there.
    package func addHoldings(_ gains: [HoldingGain], _ transaction: inout WriteTransaction) throws(ProjectionFailure) {
        // In order of key bytes: neighbours then share pages.
        for gain in gains.sorted(by: { $0.key.precedes($1.key) }).lazy.map(\.row) {
            try change(gain, &transaction) { $0?.adding(gain.count) ?? gain.count }
        }
    }

    /// Moves messages from the key that they are counted under to another one. More than there are cannot be moved: then the table
    /// is damaged.
    package func move(_ moved: Holding, to key: UInt64, _ transaction: inout WriteTransaction) throws(ProjectionFailure) {
        let loss = moved.gain.row
        try change(loss, &transaction) { $0?.subtracting(loss.count) }
        var gained = moved
        gained.key = key
        let gain = gained.gain.row
        try change(gain, &transaction) { $0?.adding(gain.count) ?? gain.count }
    }

    /// Says what is there, whatever was before; no messages leave no row.
    package func setHolding(_ holding: Holding, _ transaction: inout WriteTransaction) throws(ProjectionFailure) {
        try put(holding.gain.row, &transaction)
    }

    /// Forgets all that is counted under a key.
    package func removeHoldings(of key: UInt64, _ transaction: inout WriteTransaction) throws(ProjectionFailure) {
        let slice = 1024  // A key of a whole partition may have a million rows.
        while true {
            let rows = try keys(of: key, atMost: slice, transaction.reader)
            do {
                for row in rows { _ = try transaction.delete(row.span.bytes, in: holdings) }
            } catch { throw .store(error) }
            if rows.count < slice { return }
        }
    }

    /// Calls `body` with all that is there, in order of key, tenant, conversation and sender.
    package func holdings(
        _ reader: Reader, _ body: (Holding) throws(ProjectionFailure) -> Void
    ) throws(ProjectionFailure) {
        try walk(from: [], reader, body)
    }

    /// What is counted under a key, in order of tenant, conversation and sender.
    package func holdings(of key: UInt64, _ reader: Reader) throws(ProjectionFailure) -> [Holding] {
        var found: [Holding] = []
        try walk(from: NamedKey(key).bytes, reader) { found.append($0) }
        return found
    }

    /// The keys under which anything is counted: few, whatever is counted under each, so it is gone from one to the next.
    package func holdingKeys(_ reader: Reader) throws(ProjectionFailure) -> Set<UInt64> {
        try onStore { () throws(LMDBError) in
            var keys: Set<UInt64> = []
            var cursor = try reader.cursor(in: holdings)
            var isThere = try cursor.first()
            while isThere {
                if let key = cursor.key.word(0), key < .max {
                    keys.insert(key)
                    isThere = try cursor.seek(atLeast: NamedKey(key + 1).bytes.span.bytes)
                } else {
                    isThere = try cursor.next()
                }
            }
            return keys
        }
    }

    private func walk(
        from prefix: [UInt8], _ reader: Reader, _ body: (Holding) throws(ProjectionFailure) -> Void
    ) throws(ProjectionFailure) {
        var names = NamesOfHolding()
        var failure: ProjectionFailure?
        try onStore { () throws(LMDBError) in
            var cursor = try reader.cursor(in: holdings)
            var isThere = try prefix.isEmpty ? cursor.first() : cursor.seek(atLeast: prefix.span.bytes)
            while isThere, failure == nil, cursor.key.starts(with: prefix) {
                do throws(ProjectionFailure) {
                    guard let holding = names.holding(cursor.key, cursor.value) else { throw damage }
                    try body(holding)
                } catch { failure = error }
                isThere = try cursor.next()
            }
        }
        if let failure { throw failure }
    }

    private func keys(of key: UInt64, atMost limit: Int, _ reader: Reader) throws(ProjectionFailure) -> [[UInt8]] {
        let prefix = NamedKey(key).bytes
        return try onStore { () throws(LMDBError) in
            var cursor = try reader.cursor(in: holdings)
            var rows: [[UInt8]] = []
            var isThere = try cursor.seek(atLeast: prefix.span.bytes)
            while isThere, rows.count < limit, cursor.key.starts(with: prefix) {
                rows.append(cursor.key.withUnsafeBytes { [UInt8]($0) })
                isThere = try cursor.next()
            }
            return rows
        }
    }

    /// - Parameter change: is given nil where there is no row, and gives nil for what cannot be.
    private func change(
        _ row: HoldingRow, _ transaction: inout WriteTransaction, _ change: (HoldingCount?) -> HoldingCount?
    ) throws(ProjectionFailure) {
        let table = holdings
        let found = try onStore { () throws(LMDBError) in
            try transaction.lend(row.key.span.bytes, in: table) { HoldingCount(decoding: $0) }
        }
        if case .some(nil) = found { throw damage }
        guard let after = change(found ?? nil) else { throw damage }
        try put(HoldingRow(key: row.key, count: after), &transaction)
    }

    private func put(_ row: HoldingRow, _ transaction: inout WriteTransaction) throws(ProjectionFailure) {
        do {
            if row.count.messages == 0 {
                _ = try transaction.delete(row.key.span.bytes, in: holdings)
            } else {
                try transaction.put(row.count.words.span.bytes, for: row.key.span.bytes, in: holdings)
            }
        } catch { throw .store(error) }
    }

    private var damage: ProjectionFailure { .damaged(path: path, table: "holdings") }
}

/// A row as it lies on disk.
private struct HoldingRow {
    var key: [UInt8]
    var count: HoldingCount
}

private struct HoldingCount {
    var messages: UInt64
    var bytes: UInt64
    var first: Instant
    var last: Instant

    init(messages: UInt64, bytes: UInt64, first: Instant, last: Instant) {
        self.messages = messages
        self.bytes = bytes
        self.first = first
        self.last = last
    }

    init?(decoding value: RawSpan) {
        guard value.byteCount == 32, let messages = value.word(0), let bytes = value.word(1), max(messages, bytes) <= Int64.max,
            let first = value.instant(2), let last = value.instant(3), first <= last
        else { return nil }
        self.init(messages: messages, bytes: bytes, first: first, last: last)
    }

    var words: Words<4> {
        [
            messages.bigEndian, bytes.bigEndian, UInt64(bitPattern: first.milliseconds).bigEndian,
            UInt64(bitPattern: last.milliseconds).bigEndian,
        ]
    }

    func adding(_ other: HoldingCount) -> HoldingCount {
        HoldingCount(
            messages: messages + other.messages, bytes: bytes + other.bytes, first: min(first, other.first), last: max(last, other.last))
    }

    /// Whose times remain are not known, so the bounds stay.
    func subtracting(_ other: HoldingCount) -> HoldingCount? {
        guard messages >= other.messages, bytes >= other.bytes else { return nil }
        return HoldingCount(messages: messages - other.messages, bytes: bytes - other.bytes, first: first, last: last)
    }
}

/// Takes rows apart one after the other. Neighbours share their tenant, and most their conversation: these names are made once.
private struct NamesOfHolding {
    private var tenant: TenantID?
    private var conversation: ConversationID?

    mutating func holding(_ key: RawSpan, _ value: RawSpan) -> PartitionIndex.Holding? {
        guard let number = key.word(0), let count = HoldingCount(decoding: value) else { return nil }
        return key.withUnsafeBytes { bytes in
            var rest = bytes[8...]
            guard let tenant = Self.name(from: &rest, or: self.tenant), let conversation = Self.name(from: &rest, or: self.conversation),
                let sender = Self.name(from: &rest, or: UserID?.none), rest.isEmpty
            else { return nil }
            self.tenant = tenant
            self.conversation = conversation
            return PartitionIndex.Holding(
                key: number, tenant: tenant, conversation: conversation, sender: sender, messages: count.messages, bytes: count.bytes,
                first: count.first, last: count.last)
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

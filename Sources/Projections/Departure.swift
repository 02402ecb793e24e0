package import Events
package import LMDB

/// What the state must forget when a partition leaves the log: afterwards it is what a rebuild without that partition makes.
package struct Departure: Sendable {
    package var partition: Int32
    /// Of the partition's tombstone.
    package var digest: [UInt8]
    /// Of the events that leave.
    package var runs: [ClosedRange<Position>]
    package var conversations: [Conversation] = []
    /// Cleared histories whose events leave.
    package var clears: [Clear] = []

    package struct Conversation: Sendable {
        package var tenant: TenantID
        package var name: ConversationID
        /// Messages that leave.
        package var messages: UInt64
        /// The last of the events that leave and name it.
        package var last: Position
        /// The last event that stays and names it, if it was looked for: where the conversation's last event does not leave, nobody need
        /// look.
        package var heir: Position?

        package init(tenant: TenantID, name: ConversationID, messages: UInt64, last: Position, heir: Position? = nil) {
            self.tenant = tenant
            self.name = name
            self.messages = messages
            self.last = last
            self.heir = heir
        }
    }

    package struct Clear: Sendable {
        package var tenant: TenantID
        package var conversation: ConversationID
        package var viewer: UserID
        /// Of the event.
        package var position: Position

        package init(tenant: TenantID, conversation: ConversationID, viewer: UserID, position: Position) {
            self.tenant = tenant
            self.conversation = conversation
            self.viewer = viewer
            self.position = position
        }
    }

    package init(partition: Int32, digest: [UInt8], runs: [ClosedRange<Position>]) {
        self.partition = partition
        self.digest = digest
        self.runs = runs
    }
}

extension StateFile {
    /// Forgets, and notes that it did: once, in one transaction.
    package func forget(_ departure: Departure, _ transaction: inout WriteTransaction) throws(ProjectionFailure) {
        for conversation in departure.conversations { try forget(conversation, of: departure.partition, &transaction) }
        do {
            for run in departure.runs { try deletes.forgetHides(of: run, &transaction) }
            for clear in departure.clears { try deletes.forgetClear(clear, &transaction) }
            try noteRemoved(departure.partition, digest: departure.digest, &transaction)
        } catch { throw .store(error) }
    }

    private func forget(
        _ departing: Departure.Conversation, of partition: Int32, _ transaction: inout WriteTransaction
    ) throws(ProjectionFailure) {
        let (tenant, name) = (departing.tenant, departing.name)
        let before = try conversations.summary(tenant, name, transaction.reader)
        do {
            if departing.messages > 0 { try conversations.unmark(tenant, name, partition: partition, &transaction) }
            guard let before else { return }
            // What was folded since the look counts: then the last event is another one.
            let last = before.last > departing.last ? before.last : departing.heir
            let messages = before.messages >= departing.messages ? before.messages - departing.messages : 0
            let after = last.map { Conversations.Summary(last: $0, messages: messages) }
            try conversations.set(after, of: ConversationKey(tenant, name), &transaction)
        } catch { throw .store(error) }
    }

    /// Notes that a partition is forgotten, and under which tombstone.
    package func noteRemoved(_ partition: Int32, digest: [UInt8], _ transaction: inout WriteTransaction) throws(LMDBError) {
        let key: Words<1> = [UInt64(UInt32(bitPattern: partition)).bigEndian]
        try transaction.put(digest.span.bytes, for: key.span.bytes, in: removed)
    }

    /// Under which tombstone a partition was forgotten, if it was.
    package func removed(_ partition: Int32, _ reader: Reader) throws(LMDBError) -> [UInt8]? {
        let key: Words<1> = [UInt64(UInt32(bitPattern: partition)).bigEndian]
        return try reader.lend(key.span.bytes, in: removed) { $0.withUnsafeBytes { [UInt8]($0) } }
    }

    /// The partitions that were forgotten at least once.
    package func removed(_ reader: Reader) throws(LMDBError) -> Set<Int32> {
        var cursor = try reader.cursor(in: removed)
        var found: Set<Int32> = []
        while try cursor.next() {
            if let number = cursor.key.word(0) { found.insert(Int32(truncatingIfNeeded: number)) }
        }
        return found
    }
}

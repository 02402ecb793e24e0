package import Events
package import LMDB

/// Which conversations there are. Two tables of the state file:
///
/// - `conversations`: tenant, conversation → position of the last event that names it, number of its messages
/// - `presence`: tenant, conversation, partition → position of the first of its messages there: so that a page opens no other partition, and
///   none that had nothing of it yet at the position that is asked about
package struct Conversations: Sendable {
    static let tableNames = ["conversations", "presence"]
    private let conversations: Table
    private let presence: Table
    private let path: String

    init(in environment: Environment) {
        conversations = environment.table(named: "conversations")
        presence = environment.table(named: "presence")
        path = environment.path
    }

    package struct Summary: Hashable, Sendable {
        package var last: Position
        package var messages: UInt64
    }

    /// Adds what conversations gained in a partition, and notes that it holds messages of them. `partition` is the partition's number.
    package func add(
        _ gains: [ConversationGain], in partition: Int32, _ transaction: inout WriteTransaction
    ) throws(ProjectionFailure) {
        let gains = gains.inOrder()
        var isSound = true
        try onStore { () throws(LMDBError) in
            try transaction.amend(gains.count, in: conversations) {
                gains[$0].key.bytes
            } value: { index, before -> Words<2>? in
                let gain = gains[index]
                guard let before else { return [gain.last.rawValue.bigEndian, gain.messages.bigEndian] }
                guard let (last, messages) = before.twoCounts else {
                    isSound = false
                    return nil
                }
                return [max(last, gain.last.rawValue).bigEndian, (messages + gain.messages).bigEndian]
            }
            let present = gains.filter { $0.messages > 0 }
            try transaction.amend(present.count, in: presence) {
                var key = NamedKey(present[$0].key)
                key.append(UInt64(UInt32(bitPattern: partition)))
                return key.bytes
            } value: { index, before -> Words<1>? in
                let first = present[index].firstMessage.rawValue
                // A mark that is there leaves its page clean: what comes in later has later positions.
                if let before, before.word(0) ?? 0 <= first { return nil }
                return [first.bigEndian]
            }
        }
        guard isSound else { throw damage }
    }

    package func summary(
        _ tenant: TenantID, _ conversation: ConversationID, _ reader: Reader
    ) throws(ProjectionFailure) -> Summary? {
        try summary(ConversationKey(tenant, conversation), reader)
    }

    private func summary(_ key: ConversationKey, _ reader: Reader) throws(ProjectionFailure) -> Summary? {
        let found = try onStore { () throws(LMDBError) in
            try reader.lend(key.bytes.span.bytes, in: conversations) { $0.twoCounts }
        }
        guard let found else { return nil }
        guard let (last, messages) = found else { throw damage }
        return Summary(last: Position(last), messages: messages)
    }

    private var damage: ProjectionFailure { .damaged(path: path, table: "conversations") }

    /// Sets what is known of a conversation; nil: nothing is left of it.
    func set(
        _ summary: Summary?, of key: ConversationKey, _ transaction: inout WriteTransaction
    ) throws(LMDBError) {
        guard let summary else { return _ = try transaction.delete(key.bytes.span.bytes, in: conversations) }
        let value: Words<2> = [summary.last.rawValue.bigEndian, summary.messages.bigEndian]
        try transaction.put(value.span.bytes, for: key.bytes.span.bytes, in: conversations)
    }

    /// Takes back that a partition holds messages of a conversation.
    func unmark(
        _ tenant: TenantID, _ conversation: ConversationID, partition: Int32, _ transaction: inout WriteTransaction
    ) throws(LMDBError) {
        var key = NamedKey(tenant, conversation)
        key.append(UInt64(UInt32(bitPattern: partition)))
        _ = try transaction.delete(key.bytes.span.bytes, in: presence)
    }

    package func count(_ reader: Reader) throws(LMDBError) -> Int { try reader.count(of: conversations) }

    /// The numbers of the partitions that hold messages of a conversation, ascending: those that had one at position `end`.
    package func partitions(
        _ tenant: TenantID, _ conversation: ConversationID, through end: Position = .last, _ reader: Reader
    ) throws(LMDBError) -> [Int32] {
        let prefix = NamedKey(tenant, conversation).bytes
        var cursor = try reader.cursor(in: presence)
        var found: [Int32] = []
        var isThere = try cursor.seek(atLeast: prefix.span.bytes)
        while isThere, cursor.key.starts(with: prefix) {
            let isThereByThen = cursor.value.word(0) ?? 0 <= end.rawValue
            if isThereByThen, let number = cursor.key.word(atByte: prefix.count) { found.append(Int32(truncatingIfNeeded: number)) }
            isThere = try cursor.next()
        }
        return found
    }
}

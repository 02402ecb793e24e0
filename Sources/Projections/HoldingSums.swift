package import Events
package import LMDB

/// What is counted under each key, as sums in which every row has its part: two tables of holdings with the same sums say the same of what is
/// present, but for a chance of 1 in 2^64. As `RowSum`, also against people. The times of each are kept as they are.
package struct HoldingSums: Sendable {
    private var sums: [UInt64: Sum] = [:]
    /// Most messages are under the same key as the one before.
    private var latest: (key: UInt64, sum: Sum)?
    /// By the hash of key and names.
    private var stretches: [UInt64: Stretch] = [:]

    private struct Sum: Hashable {
        var messages: UInt64 = 0
        var bytes: UInt64 = 0
        /// Each message and each byte by the hash of its names.
        var namedMessages: UInt64 = 0
        var namedBytes: UInt64 = 0

        mutating func add(_ other: Sum) {
            messages &+= other.messages
            bytes &+= other.bytes
            namedMessages &+= other.namedMessages
            namedBytes &+= other.namedBytes
        }
    }

    package init() {}

    /// The keys under which there is anything.
    package var keys: Set<UInt64> { Set(sums.keys).union(latest.map { [$0.key] } ?? []) }

    package mutating func add(
        _ key: UInt64, _ tenant: UnsafeRawBufferPointer, _ conversation: UnsafeRawBufferPointer, _ sender: UnsafeRawBufferPointer,
        messages: UInt64, bytes: UInt64, in stretch: Stretch
    ) {
        let hash = SipHash.secret.of(key, tenant, conversation, sender)
        let sum = Sum(messages: messages, bytes: bytes, namedMessages: hash &* messages, namedBytes: hash &* bytes)
        if latest?.key != key {
            settle()
            latest = (key, Sum())
        }
        latest?.sum.add(sum)
        note(stretch, of: hash)
    }

    private mutating func note(_ stretch: Stretch, of hash: UInt64) { stretches[hash, default: stretch].join(stretch) }

    private mutating func settle() {
        if let latest { sums[latest.key, default: Sum()].add(latest.sum) }
        latest = nil
    }

    package mutating func add(_ others: HoldingSums) {
        settle()
        var others = others
        others.settle()
        for (key, sum) in others.sums { sums[key, default: Sum()].add(sum) }
        for (hash, stretch) in others.stretches { note(stretch, of: hash) }
    }

    /// Whether all that others are said to be of lies in what is said here: a stretch may be longer than what is left in it.
    package func covers(timesOf others: HoldingSums) -> Bool {
        others.stretches.allSatisfy { hash, stretch in stretches[hash].map { $0.contains(stretch) } ?? true }
    }

    /// Whether both say the same of all keys but some.
    package func isSame(as other: HoldingSums, but keys: Set<UInt64>) -> Bool {
        var (mine, its) = (self, other)
        mine.settle()
        its.settle()
        return mine.sums.filter { !keys.contains($0.key) } == its.sums.filter { !keys.contains($0.key) }
    }
}

extension Stretch {
    fileprivate mutating func join(_ other: Stretch) { self = joined(with: other) }
}

extension PartitionIndex {
    /// Of the table as it is, if every chunk of it is whole.
    package func holdingSums(_ reader: Reader) throws(ProjectionFailure) -> HoldingSums {
        var sums = HoldingSums()
        try holdings(reader) { holding in
            holding.tenant.utf8.withUnsafeBytes { tenant in
                holding.conversation.utf8.withUnsafeBytes { conversation in
                    holding.sender.utf8.withUnsafeBytes { sender in
                        sums.add(
                            holding.key, tenant, conversation, sender, messages: holding.messages, bytes: holding.bytes,
                            in: holding.stretch)
                    }
                }
            }
        }
        return sums
    }
}

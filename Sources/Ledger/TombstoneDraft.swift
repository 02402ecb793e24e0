package import Events
import Glibc
import Merkle

/// A tombstone in the making: events are added in order of position, and their leaf hashes go straight to the file.
package struct TombstoneDraft: ~Copyable {
    private let partition: PartitionID
    private let file: PlainFile
    private var totals: PartitionTotals?
    private var runs: [Extent] = []
    private var kept: [Tombstone.Kept] = []
    private var frontier = Frontier()
    private var pending: [UInt8]

    package init(of partition: PartitionID, at file: TombstoneFile) throws(LedgerFailure) {
        self.partition = partition
        self.file = try PlainFile(file.path, O_WRONLY | O_CREAT | O_TRUNC)
        pending = Tombstone.header(partition)
    }

    /// Begins with the partition's tombstone of the time before, whose events all come first.
    package mutating func extend(_ stone: Tombstone, _ oldFile: TombstoneFile) throws(LedgerFailure) {
        totals = stone.totals
        runs = stone.runs
        kept = stone.kept
        try oldFile.check(stone)
        try oldFile.forEachSlice(of: stone) { hashes throws(LedgerFailure) in for hash in hashes { try add(hash) } }
    }

    /// Adds an event. `isKept`: its record stays in the log.
    package mutating func add(_ position: Position, _ record: UnsafeRawBufferPointer, isKept: Bool) throws(LedgerFailure) {
        if let last = runs.last, last.last.next == position {
            runs[runs.count - 1].last = position
        } else {
            runs.append(Extent(first: position, last: position, partition: partition))
        }
        if isKept { kept.append(Tombstone.Kept(position: position, record: [UInt8](record))) }
        try add(TreeHash(leaf: record))
    }

    private mutating func add(_ hash: TreeHash) throws(LedgerFailure) {
        frontier.append(hash)
        hash.withUnsafeBytes { pending += $0 }
        if pending.count >= Self.pendingMax { try flush() }
    }

    private mutating func flush() throws(LedgerFailure) {
        try file.append(pending)
        pending.removeAll(keepingCapacity: true)
    }

    /// Writes the head and makes the file durable. `totals` are those of the partition that is to go.
    package mutating func finish(_ totals: PartitionTotals) throws(LedgerFailure) -> Tombstone {
        let all = self.totals?.joined(by: totals) ?? totals
        let (stone, head) = Tombstone.made(partition, all, runs: runs, kept: kept, root: frontier.root)
        guard head.count <= Tombstone.headBytesMax else {
            throw .folder(path: file.path, reason: "would keep \(head.count) bytes of records and runs, which is too much; all of it stays")
        }
        pending += head
        withUnsafeBytes(of: UInt64(head.count).bigEndian) { pending += $0 }
        pending += stone.digest
        try flush()
        try file.sync()
        return stone
    }

    private static let pendingMax = 1 << 18
}

extension PartitionTotals {
    fileprivate func joined(by later: PartitionTotals) -> PartitionTotals {
        var joined = later
        joined.first = first
        joined.events += events
        joined.messages += messages
        joined.bodyBytes += bodyBytes
        joined.recorded = max(recorded, later.recorded)
        return joined
    }
}

package import Events
package import Merkle

/// What is left of a partition that was removed whole, since its trail had reached the end of its retention: which positions it held, the
/// leaf hash of each (so the audit tree stays provable at every size), and the records that the log still needs.
///
/// The head of a file `<partition>.tombstone`; the hashes are behind `TombstoneFile`. A partition that gets events again after it was
/// removed, and is removed once more, has one tombstone for both times.
package struct Tombstone: Hashable, Sendable {
    package let partition: PartitionID
    package let totals: PartitionTotals
    /// Ascending; they neither touch nor overlap.
    package let runs: [Extent]
    /// Records that stay in the log: rules, and local deletes of messages that are elsewhere. In order of position.
    package let kept: [Kept]
    /// Of the RFC 6962 tree over the leaf hashes.
    package let root: TreeHash
    /// Of all of it. What the log's event says.
    package let digest: [UInt8]

    package struct Kept: Hashable, Sendable {
        package let position: Position
        package let record: [UInt8]

        /// Its hash in the audit tree.
        package var leaf: TreeHash { record.withUnsafeBytes { TreeHash(leaf: $0) } }

        package init(position: Position, record: [UInt8]) {
            self.position = position
            self.record = record
        }
    }

    /// The run that holds a position, if there is one.
    package func run(of position: Position) -> Extent? { runs.run(of: position) }

    package func record(at position: Position) -> [UInt8]? { kept(in: position...position).first?.record }

    /// What stays of a range of positions.
    package func kept(in positions: ClosedRange<Position>) -> ArraySlice<Kept> {
        let start = kept.partitioningIndex { $0.position >= positions.lowerBound }
        return kept[start...].prefix { $0.position <= positions.upperBound }
    }

    /// Whether a partition of these totals is the one that the stone stands for, and not one that came after it.
    package func covers(_ totals: PartitionTotals) -> Bool { totals.first <= self.totals.last }
}

/// The bytes. Big-endian; see DataFile.
extension Tombstone {
    static let magic = Array("ANNALSTS".utf8)
    static let version: UInt32 = 1
    static let headerBytes = 16
    static let trailerBytes = 8 + PartitionRemove.digestByteCount
    /// The totals, the root, and two counts.
    static let headBytesMin = 56 + TreeHash.byteCount + 8
    /// Heads are held in memory. A partition of more runs and records than that stays.
    static let headBytesMax = 1 << 30

    /// How many events there are, as the beginning of a head says; 0 where it makes no sense.
    static func events(ofHead bytes: [UInt8]) -> UInt64 { PartitionTotals(decoding: bytes.span.bytes.extracting(0..<56))?.events ?? 0 }

    static func header(_ partition: PartitionID) -> [UInt8] {
        var bytes = magic
        bytes.append(version)
        bytes.append(UInt32(bitPattern: partition.number))
        return bytes
    }

    /// A new one, and the bytes of its head.
    static func made(
        _ partition: PartitionID, _ totals: PartitionTotals, runs: [Extent], kept: [Kept], root: TreeHash
    ) -> (stone: Tombstone, head: [UInt8]) {
        let head = head(totals, runs: runs, kept: kept, root: root)
        let digest = digest(of: header(partition) + head)
        return (Tombstone(partition: partition, totals: totals, runs: runs, kept: kept, root: root, digest: digest), head)
    }

    private static func digest(of bytes: [UInt8]) -> [UInt8] { bytes.withUnsafeBytes { TreeHash(leaf: $0).stored } }

    private static func head(_ totals: PartitionTotals, runs: [Extent], kept: [Kept], root: TreeHash) -> [UInt8] {
        var bytes: [UInt8] = []
        let words = totals.words
        for index in words.indices { bytes.append(UInt64(bigEndian: words[index])) }
        bytes += root.stored
        bytes.append(UInt32(runs.count))
        for run in runs {
            bytes.append(run.first.rawValue)
            bytes.append(run.last.rawValue)
        }
        bytes.append(UInt32(kept.count))
        for one in kept {
            bytes.append(one.position.rawValue)
            bytes.append(UInt32(one.record.count))
            bytes += one.record
        }
        return bytes
    }

    /// Nil for bytes that no version of Annals wrote.
    init?(partition: PartitionID, head: [UInt8], digest: [UInt8]) {
        guard Self.digest(of: Self.header(partition) + head) == digest else { return nil }
        var reader = HeadReader(head)
        guard let words = reader.take(56), let totals = PartitionTotals(decoding: words.span.bytes),
            let hash = reader.take(TreeHash.byteCount), let root = TreeHash(stored: hash[...]),
            let runs = reader.runs(in: partition), let kept = reader.kept(), reader.isAtEnd,
            runs.first?.first == totals.first, runs.last?.last == totals.last,
            runs.reduce(0, { $0 + $1.count }) == totals.events,
            kept.allSatisfy({ runs.run(of: $0.position) != nil })
        else { return nil }
        self.init(partition: partition, totals: totals, runs: runs, kept: kept, root: root, digest: digest)
    }
}

extension TreeHash {
    /// The 32 bytes as they lie in a file.
    var stored: [UInt8] { withUnsafeBytes { [UInt8]($0) } }

    init?(stored: ArraySlice<UInt8>) {
        guard let hash = stored.withUnsafeBytes(TreeHash.init) else { return nil }
        self = hash
    }
}

extension Extent {
    package var count: UInt64 { last.rawValue - first.rawValue + 1 }
}

/// Takes a head apart. Survives any bytes.
private struct HeadReader {
    private var rest: ArraySlice<UInt8>

    init(_ bytes: [UInt8]) { rest = bytes[...] }

    var isAtEnd: Bool { rest.isEmpty }

    mutating func take(_ count: Int) -> [UInt8]? {
        guard rest.count >= count else { return nil }
        defer { rest = rest.dropFirst(count) }
        return Array(rest.prefix(count))
    }

    private mutating func number<Number: FixedWidthInteger>(_: Number.Type) -> Number? {
        take(Number.bitWidth / 8).map { bytes in bytes.reduce(0) { $0 << 8 | Number(truncatingIfNeeded: $1) } }
    }

    mutating func runs(in partition: PartitionID) -> [Extent]? {
        guard let count = number(UInt32.self), Int(count) <= rest.count / 16, count > 0 else { return nil }
        var runs: [Extent] = []
        for _ in 0..<count {
            guard let first = number(UInt64.self), let last = number(UInt64.self), first > 0, last >= first, last <= Int64.max,
                runs.last.map({ $0.last.rawValue < first }) ?? true
            else { return nil }
            runs.append(Extent(first: Position(first), last: Position(last), partition: partition))
        }
        return runs
    }

    mutating func kept() -> [Tombstone.Kept]? {
        guard let count = number(UInt32.self), Int(count) <= rest.count / 12 else { return nil }
        var kept: [Tombstone.Kept] = []
        for _ in 0..<count {
            guard let position = number(UInt64.self), let length = number(UInt32.self), let record = take(Int(length)),
                kept.last.map({ $0.position.rawValue < position }) ?? (position > 0)
            else { return nil }
            kept.append(Tombstone.Kept(position: Position(position), record: record))
        }
        return kept
    }
}

extension [UInt8] {
    fileprivate mutating func append(_ number: some FixedWidthInteger) {
        Swift.withUnsafeBytes(of: number.bigEndian) { self += $0 }
    }
}

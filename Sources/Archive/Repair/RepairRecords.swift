import Events
import LMDB
import Ledger
import Merkle
import Projections

/// The records of a partition, each from the first of several files that has the one that the audit tree was made of.
struct RepairRecords {
    private let store: Store
    private let id: PartitionID
    /// Where they may come from, the best one first.
    private let files: [RepairFile]
    /// As far as a checkpoint vouches for records that no full block has.
    private let signed: TreeSize
    private let takesUnsigned: Bool
    /// Records behind all that is vouched for, which were taken as they are.
    private(set) var unsigned: UInt64 = 0

    typealias Records = [Position: [UInt8]]

    init(_ store: Store, of id: PartitionID, files: [RepairFile], signed: TreeHead?, takesUnsigned: Bool) {
        self.store = store
        self.id = id
        self.files = files
        self.takesUnsigned = takesUnsigned
        head = signed
        self.signed = signed?.size ?? .empty
    }

    private let head: TreeHead?

    /// Throws unless the tree's hashes make the root that the last checkpoint was signed for: with them the records are compared.
    func checkTree() throws(ArchiveFailure) {
        do { try checkChain() } catch { throw ArchiveFailure(error) }
        guard let head, head.size.leaves > 0 else { return }
        let first = Position.range(ofBlock: head.size.end.block).lowerBound
        for preference in files.indices {
            var records: Records = [:]
            let hashes = try hashes(of: first...head.size.end, preferring: preference, &records)
            if try tree(of: hashes, from: first).agrees(with: head) { return }
        }
        throw .folder(
            path: store.state.environment.path,
            reason: "has another audit tree than the one that the checkpoint of size \(head.size) was signed for; "
                + "see 'annals audit verify', and restore the state from a backup")
    }

    /// Each stored hash is made of the 256 below it.
    private func checkChain() throws {
        try store.state.environment.read { reader in
            var frontier = Frontier()
            for index in 0..<(try store.tree.blocks(reader)) {
                guard let hash = try store.tree.hash(of: TreeNode(level: TreeTable.levelStep, index: index), reader) else {
                    throw ArchiveFailure.damaged(place: store.state.environment.path, .malformed("audit tree, which lacks block \(index)"))
                }
                try frontier.append(hash) { node, hash in
                    guard node.isStored else { return }
                    let above = TreeNode(level: node.level + TreeTable.levelStep, index: node.index)
                    guard try store.tree.hash(of: above, reader) != hash else { return }
                    throw ArchiveFailure.damaged(place: store.state.environment.path, .malformed("audit tree at \(above)"))
                }
            }
        }
    }

    /// The tree, whose newest leaves are these.
    private func tree(of hashes: [TreeHash], from first: Position) -> AuditTree {
        AuditTree(store) { (positions) throws(ArchiveFailure) in
            let start = Int(positions.lowerBound.rawValue - first.rawValue)
            return Array(hashes[start...Int(positions.upperBound.rawValue - first.rawValue)])
        }
    }

    /// The partition's records in one block of the tree.
    mutating func records(ofBlock block: UInt64, through end: Position) throws(ArchiveFailure) -> Records {
        let full = Position.range(ofBlock: block)
        let range = full.lowerBound...min(end, full.upperBound)
        for preference in files.indices {
            var records: Records = [:]
            let hashes = try hashes(of: range, preferring: preference, &records)
            if try isVouched(hashes, block: block, range) {
                try countUnsigned(records, of: range)
                return records
            }
        }
        throw .folder(
            path: files.map(\.path).joined(separator: " and "),
            reason:
                "do not have the records at \(range.lowerBound) to \(range.upperBound) that the audit tree was made of; name another copy")
    }

    /// Leaf hashes of a stretch of the log, and the records of the partition in it.
    private func hashes(
        of range: ClosedRange<Position>, preferring preference: Int, _ records: inout Records
    ) throws(ArchiveFailure) -> [TreeHash] {
        var hashes: [TreeHash] = []
        var next = range.lowerBound
        while next <= range.upperBound {
            guard let extent = try store.extent(of: next) else {
                throw .damaged(place: store.state.environment.path, .malformed("table of extents, which lacks \(next)"))
            }
            let last = min(extent.last, range.upperBound)
            if extent.partition == id {
                for position in next.rawValue...last.rawValue {
                    let found = try record(at: Position(position), preferring: preference)
                    records[Position(position)] = found
                    hashes.append(found.withUnsafeBytes { TreeHash(leaf: $0) })
                }
            } else {
                hashes += try store.leafHashes(of: next...last)
            }
            next = last.next
        }
        return hashes
    }

    private func record(at position: Position, preferring preference: Int) throws(ArchiveFailure) -> [UInt8] {
        for file in [preference] + files.indices.filter({ $0 != preference }) {
            if let record = try files[file].record(at: position), Self.isRecord(record, of: position) { return record }
        }
        throw .folder(
            path: files.map(\.path).joined(separator: " and "), reason: "lack the event at \(position); name another copy")
    }

    private static func isRecord(_ record: [UInt8], of position: Position) -> Bool {
        do { return try Event(decoding: record).position == position } catch { return false }
    }

    private func isVouched(_ hashes: [TreeHash], block: UInt64, _ range: ClosedRange<Position>) throws(ArchiveFailure) -> Bool {
        if let wanted = try store.hash(ofBlock: block) { return TreeHash(rootOf: hashes) == wanted }
        // The newest block, which is not full: the last checkpoint is all that is known of it.
        guard let head, head.size.end >= range.lowerBound, head.size.end <= range.upperBound else { return true }
        return try tree(of: hashes, from: range.lowerBound).agrees(with: head)
    }

    private mutating func countUnsigned(_ records: Records, of range: ClosedRange<Position>) throws(ArchiveFailure) {
        let full = try fullBlocks()
        let loose = records.keys.filter { $0.block >= full && $0 > signed.end }
        if loose.isEmpty { return }
        // Two files that say the same are as good as it gets.
        for position in loose {
            var found: [[UInt8]] = []
            for file in files { if let record = try file.record(at: position) { found.append(record) } }
            if found.count > 1, Set(found).count == 1 { continue }
            unsigned += 1
        }
        guard unsigned > 0, !takesUnsigned else { return }
        throw .folder(
            path: files.map(\.path).joined(separator: " and "),
            reason: "have events behind the last checkpoint (from \(max(signed.end.next, range.lowerBound)) on) for which nothing vouches; "
                + "give --unsigned to take them as they are")
    }

    private func fullBlocks() throws(ArchiveFailure) -> UInt64 {
        do { return try store.state.environment.read { reader in try store.tree.blocks(reader) } } catch { throw ArchiveFailure(error) }
    }
}

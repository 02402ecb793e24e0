import Events
import LMDB
import Ledger
import Merkle
import Projections
import Synchronization

extension ArchiveFailure {
    /// What LMDB, or a look at its pages, said; nil for what failed elsewhere.
    var storeError: LMDBError? {
        if case .store(let error) = self { return error }
        if case .ledger(.store(let error)) = self { return error }
        if case .projection(.store(let error)) = self { return error }
        return nil
    }

    /// A partition has not what the state says that it has: the one may be damaged, or the other.
    static func lacks(_ position: Position, in partition: LMDB.Environment) -> ArchiveFailure {
        .damaged(
            place: partition.path, .malformed("trail, which lacks \(position), or the table of extents in state.mdb, which has it there"))
    }

    /// Whether a file is not as the others of its folder say: the failure says what to do.
    fileprivate var isOfFolder: Bool { if case .folder = self { true } else { false } }

    /// Whether bytes of a file are not what was written there.
    package var isDamage: Bool {
        switch self {
        case .damaged, .ledger(.damaged), .projection(.damaged): true
        default: if case .damaged = storeError?.kind { true } else { false }
        }
    }
}

extension Core {
    /// What whoever wants to append is told when nothing is appended any more. Where a file is damaged, it says which.
    var readOnly: Refusal {
        guard let trouble = trouble.withLock({ $0 }), trouble.isDamage || trouble.isOfFolder else { return .readOnly }
        return Refusal(.readOnly, "nothing is appended any more, and reads go on: \(trouble)")
    }
}

extension Archive {
    /// Takes note of what a question came to. A partition whose pages make no sense is put aside; returns its name if that is new.
    package func note(_ failure: ArchiveFailure) -> String? { core.store.note(failure) }
}

extension Store {
    @discardableResult
    func note(_ failure: ArchiveFailure) -> String? {
        guard let error = failure.storeError, shelf.putAside(for: error) else { return nil }
        return error.path
    }

    /// Does something for each partition but those that are put aside. One that turns out to be damaged is put aside, and the others have
    /// their turn.
    func forEachWhole(_ ids: [PartitionID], _ body: (PartitionID) throws(ArchiveFailure) -> Void) throws(ArchiveFailure) {
        for id in ids where shelf.damage(of: id) == nil {
            do throws(ArchiveFailure) { try body(id) } catch {
                note(error)
                if shelf.damage(of: id) == nil { throw error }
            }
        }
    }
}

/// The blocks of the audit tree whose records were compared with its hashes since upkeep last looked: each of them is hashed once a minute
/// at most, however often it is read.
final class VouchedBlocks: Sendable {
    private let blocks = Mutex<Set<UInt64>>([])

    private static let blocksMax = 1 << 16

    func contains(_ block: UInt64) -> Bool { blocks.withLock { $0.contains(block) } }

    func insert(_ block: UInt64) {
        blocks.withLock { blocks in
            if blocks.count >= Self.blocksMax { blocks.removeAll() }
            blocks.insert(block)
        }
    }

    func forget() { blocks.withLock { $0.removeAll() } }
}

extension Position {
    /// The block of the audit tree that the event's record is a leaf of.
    var block: UInt64 { leaf.rawValue >> UInt64(TreeTable.levelStep) }

    /// The events whose records are the leaves of a block, when it is full.
    static func range(ofBlock block: UInt64) -> ClosedRange<Position> {
        let (first, count) = (block << UInt64(TreeTable.levelStep) + 1, UInt64(1) << UInt64(TreeTable.levelStep))
        return Position(first)...Position(first + count - 1)
    }
}

extension Store {
    /// Throws unless the records of the block in which a position lies are those of the audit tree. Of the newest block, which is not full,
    /// the tree has no hash yet: its records are taken from partitions that are whole.
    func vouch(for position: Position) throws(ArchiveFailure) {
        let block = position.block
        if vouched.contains(block) { return }
        guard try isVouched(block) else {
            guard let id = try extent(of: position)?.partition, let damage = shelf.damage(of: id) else { return }
            throw .store(damage)
        }
        vouched.insert(block)
    }

    /// False if the block is not full.
    private func isVouched(_ block: UInt64) throws(ArchiveFailure) -> Bool {
        guard let wanted = try hash(ofBlock: block) else { return false }
        let range = Position.range(ofBlock: block)
        guard TreeHash(rootOf: try leafHashes(of: range, asFarAsItGoes: true)) == wanted else {
            throw .damaged(
                place: try place(of: range.lowerBound, range.upperBound),
                .malformed("record among those at \(range.lowerBound) to \(range.upperBound), or the audit tree"))
        }
        return true
    }

    /// Nil if the block is not full.
    func hash(ofBlock block: UInt64) throws(ArchiveFailure) -> TreeHash? {
        let node = TreeNode(level: TreeTable.levelStep, index: block)
        do { return try state.environment.read { reader in try tree.hash(of: node, reader) } } catch { throw ArchiveFailure(error) }
    }

    /// The files that a block lies in. Throws where it is known that one of them is damaged.
    private func place(of first: Position, _ last: Position) throws(ArchiveFailure) -> String {
        var names: [String] = []
        var next = first
        while next <= last, let extent = try extent(of: next) {
            if let damage = shelf.damage(of: extent.partition) { throw .store(damage) }
            let path = shelf.path(of: extent.partition)
            if names.count < Self.namesMax, !names.contains(path) { names.append(path) }
            next = extent.last.next
        }
        return names.joined(separator: " or ")
    }

    private static let namesMax = 8
}

extension Store {
    /// Adds what the audit tree lacks. Where the partition of its newest records is damaged, the log can be read, and nothing is appended:
    /// returns why.
    func completeTree() throws(ArchiveFailure) -> ArchiveFailure? {
        do throws(ArchiveFailure) { try AuditTree(self).complete() } catch {
            note(error)
            guard error.isDamage, !shelf.damaged.isEmpty else { throw error }
            return error
        }
        return nil
    }
}

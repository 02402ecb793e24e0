import Events
import LMDB
import Ledger
import Merkle
import Projections

extension Store {
    /// The audit tree's leaf hashes of consecutive positions, all of them folded: of trail records, or out of the tombstones of partitions
    /// that left the log.
    ///
    /// - Parameter asFarAsItGoes: reads also in partitions that are put aside; the caller compares the hashes with the tree's.
    func leafHashes(of positions: ClosedRange<Position>, asFarAsItGoes: Bool = false) throws(ArchiveFailure) -> [TreeHash] {
        var hashes: [TreeHash] = []
        hashes.reserveCapacity(Int(clamping: positions.upperBound.rawValue - positions.lowerBound.rawValue + 1))
        var next = positions.lowerBound
        while next <= positions.upperBound {
            guard let extent = try extent(of: next) else {
                throw .damaged(place: state.environment.path, .malformed("table of extents, which lacks \(next)"))
            }
            let last = min(extent.last, positions.upperBound)
            do { try add(&hashes, from: next, through: last, of: extent.partition, asFarAsItGoes) } catch { throw ArchiveFailure(error) }
            next = last.next
        }
        return hashes
    }

    private func add(
        _ hashes: inout [TreeHash], from first: Position, through last: Position, of id: PartitionID, _ asFarAsItGoes: Bool
    ) throws {
        switch try whereabouts(of: first, in: id, asFarAsItGoes: asFarAsItGoes) {
        case .tombstone(let stone, _): hashes += try tombstones.file(of: id).leaves(of: stone, first...last)
        case .partition(let lease): try lease.partition.addLeafHashes(to: &hashes, from: first, through: last)
        }
    }
}

extension Partition {
    fileprivate func addLeafHashes(to hashes: inout [TreeHash], from first: Position, through last: Position) throws {
        var leaves = LeafBatch()
        try environment.read { reader in
            var cursor = try reader.cursor(in: trail)
            var position = first
            var isThere = try cursor.seek(atLeast: first.key.span.bytes)
            while position <= last {
                guard isThere, cursor.key.word(0) == position.rawValue else {
                    throw ArchiveFailure.lacks(position, in: environment)
                }
                cursor.value.withUnsafeBytes { leaves.add($0) }
                if leaves.count == LeafBatch.usual { hashes += leaves.takeHashes() }
                position = position.next
                isThere = try cursor.next()
            }
        }
        hashes += leaves.takeHashes()
    }
}

extension Position {
    /// Its leaf of the audit tree: the log counts from 1, and the tree from 0.
    var leaf: LeafIndex { LeafIndex(rawValue - 1) }
}

extension TreeSize {
    /// Of the log up to a position.
    init(through position: Position) { self.init(position.rawValue) }

    /// The position of the last leaf.
    var end: Position { Position(leaves) }
}

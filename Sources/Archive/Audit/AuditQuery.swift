package import Events
import Merkle

/// A checkpoint of the log, as bytes for whoever knows the formats and not our types.
package struct SignedCheckpoint: Hashable, Sendable {
    package var size: UInt64
    /// 32 bytes.
    package var root: [UInt8]
    /// A signed note (https://c2sp.org/tlog-checkpoint).
    package var note: [UInt8]
}

/// That an event's record is in the log.
package struct RecordProof: Hashable, Sendable {
    package var position: Position
    /// The record that is proved, byte for byte. Nil once it has left the log, its trail's time being over.
    package var record: [UInt8]?
    /// SHA-256(00 ‖ record).
    package var leaf: [UInt8]
    package var size: UInt64
    package var root: [UInt8]
    /// From the leaf's neighbour to the root's child, 32 bytes each.
    package var hashes: [[UInt8]]
    /// The same with a signed checkpoint, as a file (https://c2sp.org/tlog-proof). Nil if none of that size was signed.
    package var file: [UInt8]?
}

/// That the log only grew.
package struct GrowthProof: Hashable, Sendable {
    package var old: UInt64
    package var oldRoot: [UInt8]
    package var new: UInt64
    package var newRoot: [UInt8]
    package var hashes: [[UInt8]]
}

/// What auditors ask of the audit tree. All of it is about what is folded, so each waits for the fold first.
extension Archive {
    /// Signs what the log is now.
    package func checkpoint() -> Result<SignedCheckpoint, Refusal> {
        flush()
        do {
            return .success(SignedCheckpoint(try upkeep.sign()))
        } catch { return .failure(.unsigned) }
    }

    /// Proves an event's record, in the newest signed tree that it is in or in that of a size.
    package func proof(of position: Position, size: UInt64?) throws(ArchiveFailure) -> Result<RecordProof, Refusal> {
        let tree = AuditTree(core.store)
        flush()
        let end = try tree.size()
        guard position.rawValue <= end.leaves else { return .failure(.beyondEnd(position.rawValue, end)) }
        let signed: Notary.Signed?
        let head: TreeHead
        if let size {
            guard size <= end.leaves else { return .failure(.beyondEnd(size, end)) }
            guard size >= position.rawValue else {
                return .failure(Refusal(.badArgument, "SIZE must be at least the position, since a tree of \(size) ends before it"))
            }
            signed = try core.notary.signed(at: TreeSize(size))
            // A log that was cut off and grew again has another root there, and nothing proves what was signed.
            if let signed, try !tree.agrees(with: signed.head) { return .failure(.otherRoot(size)) }
            head = if let signed { signed.head } else { try tree.head(at: TreeSize(size)) }
        } else {
            let newest: Notary.Signed
            do { newest = try self.newest(with: position, tree) } catch { return .failure(.unsigned) }
            (signed, head) = (newest, newest.head)
        }
        return .success(try proof(of: position, in: head, signed, tree))
    }

    private func proof(
        of position: Position, in head: TreeHead, _ signed: Notary.Signed?, _ tree: AuditTree
    ) throws(ArchiveFailure) -> RecordProof {
        let inclusion = try tree.inclusion(of: position, in: head.size)
        let record = try core.store.withRecord(position) { record, _ in [UInt8](record) }
        let leaf = try core.store.leafHashes(of: position...position)[0]
        return RecordProof(
            position: position, record: record, leaf: leaf.plain, size: head.size.leaves, root: head.root.plain,
            hashes: inclusion.hashes.map(\.plain), file: signed.map { TLogProof(inclusion, checkpoint: $0.note).bytes })
    }

    /// Proves that the log of one size is what the log of a later one began with; the later one is what is folded, if none is given.
    package func growth(from old: UInt64, to new: UInt64?) throws(ArchiveFailure) -> Result<GrowthProof, Refusal> {
        let tree = AuditTree(core.store)
        flush()
        let end = try tree.size()
        let later = new.map(TreeSize.init) ?? end
        guard later <= end else { return .failure(.beyondEnd(later.leaves, end)) }
        guard old <= later.leaves else {
            return .failure(Refusal(.badArgument, "the old size, \(old), must not be more than the new one, \(later)"))
        }
        let earlier = TreeSize(old)
        let proof = try tree.consistency(from: earlier, to: later)
        return .success(
            GrowthProof(
                old: old, oldRoot: try tree.head(at: earlier).root.plain, new: later.leaves, newRoot: try tree.head(at: later).root.plain,
                hashes: proof.hashes.map(\.plain)))
    }

    /// The public keys that checkpoints were signed with, the oldest first, as `name+id+base64`.
    package var auditKeys: [String] { core.notary.verifiers.map(\.text) }
}

extension Archive {
    /// The newest checkpoint, or a newer one if that has not come so far. Signing tells of one that the log does not agree with.
    private func newest(with position: Position, _ tree: AuditTree) throws(ArchiveFailure) -> Notary.Signed {
        if let newest = core.notary.newest, newest.head.size.contains(position.leaf), try tree.agrees(with: newest.head) { return newest }
        return try upkeep.sign()
    }
}

extension SignedCheckpoint {
    init(_ signed: Notary.Signed) {
        self.init(size: signed.head.size.leaves, root: signed.head.root.plain, note: signed.note.bytes)
    }
}

extension TreeHash {
    fileprivate var plain: [UInt8] { withUnsafeBytes { [UInt8]($0) } }
}

extension Refusal {
    fileprivate static let unsigned = Refusal(.failed, "no checkpoint can be signed; the daemon's log, and 'annals status', say why")

    fileprivate static func otherRoot(_ size: UInt64) -> Refusal {
        Refusal(
            .failed,
            "at \(size) the log has another root than the checkpoint that was signed; run 'annals audit verify' on a copy of the folder")
    }

    fileprivate static func beyondEnd(_ size: UInt64, _ end: TreeSize) -> Refusal {
        Refusal(.badArgument, "\(size) is beyond the log's end, \(end)")
    }
}

@testable import Archive
@testable import Merkle

/// The formats of C2SP: notes, checkpoints, proofs, tiles and bundles; and files of checkpoints.
///
/// Promises: what can be read is written as it was read; what was signed by somebody else proves nothing; of a file of checkpoints no byte
/// changes that was whole, and what is appended is there.
enum Notes {
    static func run(_ input: Input) {
        var input = input
        switch input.byte() % 8 {
        case 0: note(input.remainder())
        case 1: checkpoint(input.remainder())
        case 2: proof(input.remainder())
        case 3: bundle(input.remainder())
        case 4: tile(input)
        case 5: inclusion(input)
        case 6: growth(input)
        default: CheckpointFiles.run(input)
        }
    }

    static let origin = certain { NoteLine("annals.test/fuzz") ?? NoteLine("x")! }
    static let signer = certain { try NoteSigner(name: NoteKeyName(origin)!, seed: [UInt8](repeating: 3, count: NoteSigner.seedBytes)) }

    private static func note(_ bytes: [UInt8]) {
        guard let note = attempt({ try SignedNote(parsing: bytes) }) else { return }
        promise(note.bytes == bytes, "a note is written otherwise: \(note.bytes)")
        if note.text != known.text {
            promise(attempt { try note.verify(with: [signer.verifier]) } == nil, "a note that nobody signed is believed")
        }
        var signed = note
        signed.sign(with: signer)
        promise(attempt { try signed.verify(with: [signer.verifier]) } == [signer.verifier], "a signature is not believed")
        if signed.signatures.count > SignedNote.signaturesMax || signed.bytes.count > SignedNote.bytesMax { return }
        promise(attempt { try SignedNote(parsing: signed.bytes) } == signed, "a signed note is read otherwise")
    }

    /// The only text that inputs may have signed: it is in the corpus.
    static let known = Checkpoint(origin: origin, head: TreeHead(size: TreeSize(5), root: .empty)).signed(by: signer)

    private static func checkpoint(_ text: [UInt8]) {
        guard let checkpoint = attempt({ try Checkpoint(parsing: text) }) else { return }
        promise(checkpoint.text == text, "a checkpoint is written otherwise: \(checkpoint.text)")
        guard let note = attempt({ try SignedNote(text: text) }) else { return promise(false, "a checkpoint's text is none of a note") }
        promise(note.text == text, "a note's text changes")
    }

    private static func proof(_ bytes: [UInt8]) {
        guard let proof = attempt({ try TLogProof(parsing: bytes) }) else { return }
        promise(proof.bytes == bytes, "a proof is written otherwise: \(proof.bytes)")
        guard proof.checkpoint.text != known.text else { return }
        let verified = attempt { try proof.verify(leaf: .empty, of: origin, with: signer.verifier) }
        promise(verified == nil, "a proof is believed that nobody signed")
    }

    private static func bundle(_ bytes: [UInt8]) {
        guard let bundle = attempt({ try EntryBundle(parsing: bytes) }) else { return }
        promise(bundle.bytes == bytes, "a bundle is written otherwise")
        promise(bundle.leafHashes.count == bundle.entries.count, "a bundle has other leaves than entries")
    }

    private static func tile(_ input: Input) {
        var input = input
        let node = TreeNode(level: input.number(0...63), index: input.word64() >> 8)
        let bytes = input.rest
        guard let tile = HashTile(bytes) else { return }
        promise(tile.bytes == [UInt8](bytes), "a tile is written otherwise")
        _ = tile.hash(of: node)
    }

    private static func hashes(_ input: inout Input) -> [TreeHash] {
        (0..<input.number(0...70)).map { _ in [input.byte()].withUnsafeBytes(TreeHash.init(leaf:)) }
    }

    private static func inclusion(_ input: Input) {
        var input = input
        let size = TreeSize(input.word64())
        let proof = InclusionProof(index: LeafIndex(input.word64()), hashes: hashes(&input))
        let verified: Void? = attempt { try proof.verify(leaf: .empty, in: TreeHead(size: size, root: .empty)) }
        promise(verified == nil, "a proof was made of nothing")
    }

    private static func growth(_ input: Input) {
        var input = input
        let (old, new) = (TreeSize(input.word64()), TreeSize(input.word64()))
        let proof = ConsistencyProof(hashes: hashes(&input))
        let roots = (TreeHead(size: old, root: .empty), TreeHead(size: new, root: TreeHash(left: .empty, right: .empty)))
        let verified: Void? = attempt { try proof.verify(from: roots.0, to: roots.1) }
        promise(verified == nil || old == .empty, "growth was proved of nothing")
    }
}

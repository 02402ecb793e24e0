import Merkle
import TestSupport
import Testing

@Suite("TLogProof")
struct TLogProofTests {
    private typealias Database = KnownNotes.ChecksumDatabase

    @Test("a record of Go's checksum database is in its log, as its own key signed")
    func checksumDatabase() throws {
        let proof = try TLogProof(parsing: Array(Database.proof.utf8))
        #expect(proof.bytes == Array(Database.proof.utf8))
        let leaf = TreeHash(record: Array(Database.record.utf8))
        #expect(leaf.hex == "0fa57c511c3b2ffcc0a05ad63172568d265aaf9844e9b636a0978795396f2ab1")
        let origin = try #require(NoteLine(Database.origin))
        let checkpoint = try proof.verify(leaf: leaf, of: origin, with: VerifierKey(parsing: Database.key))
        #expect(checkpoint.head.size == TreeSize(58_253_265))
        #expect(proof.inclusion.index == LeafIndex(43_930_254))
    }

    @Test("another record, another log and another key are refused")
    func refusals() throws {
        let proof = try TLogProof(parsing: Array(Database.proof.utf8))
        let leaf = TreeHash(record: Array(Database.record.utf8))
        let (origin, key) = (try #require(NoteLine(Database.origin)), try VerifierKey(parsing: Database.key))
        #expect(throws: TLogProofFault.inclusion(.wrongRoot)) { try proof.verify(leaf: .empty, of: origin, with: key) }
        #expect(throws: TLogProofFault.checkpoint(.otherLog(origin))) {
            try proof.verify(leaf: leaf, of: #require(NoteLine("example.com/log")), with: key)
        }
        #expect(throws: TLogProofFault.checkpoint(.note(.unknownKeys))) {
            try proof.verify(leaf: leaf, of: origin, with: VerifierKey(parsing: KnownNotes.Go.peterKey))
        }
    }

    @Test("a proof with extra data, with none, and without hashes have the lines of the specification")
    func layout() throws {
        let log = try KnownNotes.signer("example.com/log", seed: 1)
        let note = Checkpoint(origin: log.name.line, head: ReferenceLog.head(1)).signed(by: log)
        let single = InclusionProof(index: LeafIndex(0), hashes: [])
        let plain = "c2sp.org/tlog-proof@v1\nindex 0\n\n"
        #expect(TLogProof(single, checkpoint: note).bytes == Array(plain.utf8) + note.bytes)
        let extra = "c2sp.org/tlog-proof@v1\nextra ZXh0cmEgaW5mb3JtYXRpb24=\nindex 10\n\(TreeHash.empty.base64)\n\n"
        let proof = TLogProof(
            InclusionProof(index: LeafIndex(10), hashes: [.empty]), checkpoint: note, extra: Array("extra information".utf8))
        #expect(proof.bytes == Array(extra.utf8) + note.bytes)
    }

    @Test("the proofs of a log's records, from its stored subtrees, verify after they were written and read")
    func roundTrips() throws {
        var random = SeededRandom(for: "proofs in files")
        let log = try KnownNotes.signer("example.com/log", seed: 1)
        let leaves = NaiveTree(count: 100).leaves
        let stored = StoredTree(leaves)
        for size in [1, 2, 63, 64, 65, 100] {
            let note = try Checkpoint(origin: log.name.line, head: stored.head(size)).signed(by: log)
            let leaf = Int.random(in: 0..<size, using: &random)
            let extra = random.chance(of: 1, in: 2) ? random.bytes(5) : nil
            let proof = TLogProof(try stored.inclusion(leaf, size), checkpoint: note, extra: extra)
            let read = try TLogProof(parsing: proof.bytes)
            #expect(read == proof)
            #expect(try read.verify(leaf: leaves[leaf], of: log.name.line, with: log.verifier).head == stored.head(size))
        }
    }

    @Test("no byte of a proof can be changed but in its extra data, which nobody signed")
    func everyByte() throws {
        let log = try KnownNotes.signer("example.com/log", seed: 1)
        let stored = StoredTree(ReferenceLog.nodes[0])
        let note = Checkpoint(origin: log.name.line, head: ReferenceLog.head(8)).signed(by: log)
        let bytes = TLogProof(try stored.inclusion(5, 8), checkpoint: note).bytes
        for index in bytes.indices {
            for bit in 0..<8 {
                var changed = bytes
                changed[index] ^= 1 << UInt8(bit)
                #expect(throws: TLogProofFault.self, "bit \(bit) of byte \(index)") {
                    try TLogProof(parsing: changed).verify(leaf: ReferenceLog.nodes[0][5], of: log.name.line, with: log.verifier)
                }
            }
        }
    }

    @Test(
        "what has not the lines of a proof is none",
        arguments: [
            "", "\n", "\n\n", "index 0\n\n", "c2sp.org/tlog-proof@v2\nindex 0\n\n", "c2sp.org/tlog-proof@v1\n\n",
            "c2sp.org/tlog-proof@v1\nindex 0\n",
            "c2sp.org/tlog-proof@v1\nindex\n\n", "c2sp.org/tlog-proof@v1\nindex \n\n", "c2sp.org/tlog-proof@v1\nindex -5\n\n",
            "c2sp.org/tlog-proof@v1\nindex 05\n\n", "c2sp.org/tlog-proof@v1\nindex +5\n\n", "c2sp.org/tlog-proof@v1\nindex notanumber\n\n",
            "c2sp.org/tlog-proof@v1\nindex 18446744073709551616\n\n", "c2sp.org/tlog-proof@v1\nindex  5\n\n",
            "c2sp.org/tlog-proof@v1\nextra !!notbase64!!\nindex 0\n\n", "c2sp.org/tlog-proof@v1\nextra\nindex 0\n\n",
            "c2sp.org/tlog-proof@v1\nextra AAAA\nextra AAAA\nindex 0\n\n", "c2sp.org/tlog-proof@v1\nindex 0\nextra AAAA\n\n",
            "c2sp.org/tlog-proof@v1\nindex 0\n!!notbase64!!\n\n", "c2sp.org/tlog-proof@v1\nindex 0\nAAAA\n\n",
            "c2sp.org/tlog-proof@v1\r\nindex 0\r\n\r\n", " c2sp.org/tlog-proof@v1\nindex 0\n\n",
        ])
    func malformed(_ beginning: String) {
        #expect(throws: TLogProofFault.malformed) { try TLogProof(parsing: Array(beginning.utf8)) }
        if beginning.hasSuffix("\n\n") {
            #expect(throws: TLogProofFault.malformed) { try TLogProof(parsing: Array((beginning + KnownNotes.Go.note).utf8)) }
        }
    }

    @Test("a proof whose checkpoint is no note is refused, and it is told in a sentence")
    func noNote() {
        #expect(throws: TLogProofFault.checkpoint(.note(.malformed))) {
            try TLogProof(parsing: Array("c2sp.org/tlog-proof@v1\nindex 0\n\ncheckpoint\n".utf8))
        }
        #expect(TLogProofFault.malformed.explanation == "the file is not a proof of the form c2sp.org/tlog-proof@v1")
        #expect(TLogProofFault.checkpoint(.malformed).explanation == CheckpointFault.malformed.explanation)
        #expect(TLogProofFault.inclusion(.wrongRoot).explanation == ProofFault.wrongRoot.explanation)
    }
}

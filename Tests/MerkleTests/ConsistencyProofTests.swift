import Merkle
import TestSupport
import Testing

@Suite("ConsistencyProof")
struct ConsistencyProofTests {
    @Test("the proofs of Certificate Transparency's log are its proofs, and verify")
    func reference() throws {
        let stored = StoredTree(ReferenceLog.nodes[0])
        for (earlier, later, places) in ReferenceLog.consistencies {
            let proof = try stored.consistency(Int(earlier), Int(later))
            #expect(proof.hashes == ReferenceLog.hashes(at: places))
            try proof.verify(from: ReferenceLog.head(earlier), to: ReferenceLog.head(later))
        }
    }

    @Test("the proof between any two sizes to 130 is the model's, and verifies")
    func exhaustive() throws {
        var naive = NaiveTree(count: 130)
        let stored = StoredTree(naive.leaves)
        for later in 0...130 {
            for earlier in 0...later {
                let proof = try stored.consistency(earlier, later)
                let expected = earlier == 0 ? [] : naive.subproof(earlier, 0..<later, isWhole: true)
                guard proof.hashes == expected, proof.isValid(from: naive.head(earlier), to: naive.head(later)) else {
                    Issue.record("from \(earlier) to \(later)")
                    continue
                }
            }
        }
    }

    @Test("so is the proof between any two sizes to a few thousand")
    func randomSizes() throws {
        var random = SeededRandom(for: "consistency")
        var naive = NaiveTree(count: Int.random(in: 2_000...4_000, using: &random))
        let stored = StoredTree(naive.leaves)
        for _ in 0..<300 {
            let later = Int.random(in: 1...naive.leaves.count, using: &random)
            let earlier = Int.random(in: 1...later, using: &random)
            let proof = try stored.consistency(earlier, later)
            #expect(proof.hashes == naive.subproof(earlier, 0..<later, isWhole: true), "from \(earlier) to \(later)")
            try proof.verify(from: naive.head(earlier), to: naive.head(later))
        }
    }

    @Test("a proof reads complete subtrees of the later tree alone")
    func reads() {
        let power: UInt64 = 1 << 40
        let pairs: [(UInt64, UInt64)] = [(1, power), (power / 2, power + 12_345), (power - 1, power + 1), (.max - 1, .max)]
        for (earlier, later) in pairs {
            let proof = ConsistencyProof(from: TreeSize(earlier), to: TreeSize(later)) { node in
                #expect(node.isComplete(in: TreeSize(later)))
                return .empty
            }
            #expect(proof.hashes.count <= 65)
        }
    }

    @Test("every bit of the proof and of both roots matters")
    func everyBit() throws {
        let (earlier, later) = (ReferenceLog.head(6), ReferenceLog.head(8))
        let proof = ConsistencyProof(hashes: ReferenceLog.hashes(at: [(1, 2), (1, 3), (2, 0)]))
        try proof.verify(from: earlier, to: later)
        for bit in 0..<256 {
            #expect(!proof.isValid(from: earlier.flipping(bit: bit), to: later))
            #expect(!proof.isValid(from: earlier, to: later.flipping(bit: bit)))
            for place in proof.hashes.indices {
                var hashes = proof.hashes
                hashes[place] = hashes[place].flipping(bit: bit)
                #expect(!ConsistencyProof(hashes: hashes).isValid(from: earlier, to: later))
            }
        }
    }

    @Test("whatever is changed of a proof or of its roots, at every two sizes to 40, is refused")
    func tampering() throws {
        var random = SeededRandom(for: "tampered consistency")
        var naive = NaiveTree(count: 42)
        let stored = StoredTree(naive.leaves)
        for later in 1...40 {
            let end = naive.head(later)
            for earlier in 1...later {
                let start = naive.head(earlier)
                let proof = try stored.consistency(earlier, later)
                let bit = Int.random(in: 0..<256, using: &random)
                var forged = proof.hashes.forgeries(bit: bit, stranger: naive.leaves[41]).map { (ConsistencyProof(hashes: $0), start, end) }
                forged += [(proof, start.flipping(bit: bit), end), (proof, start, end.flipping(bit: bit))]
                forged += [(proof, naive.head(earlier - 1), end), (proof, start, naive.head(later + 1))]
                if earlier < later { forged.append((proof, end, start)) }
                // From an empty tree everything grew, but with a proof that has no hashes.
                let believed = forged.filter { $0.isValid(from: $1, to: $2) && !($1.size == .empty && $0.hashes.isEmpty) }
                for (proof, start, end) in believed { Issue.record("from \(start.size) to \(end.size): \(proof)") }
            }
        }
    }

    @Test("a proof holds for its roots at other sizes only where the way up is the same")
    func otherSizes() throws {
        var naive = NaiveTree(count: 20)
        let stored = StoredTree(naive.leaves)
        let others = (1...24).flatMap { size in (1..<size).map { ($0, size) } }
        let ways = others.map { NaiveTree.sides(from: $0, to: $1) }
        for later in 2...20 {
            for earlier in 1..<later {
                let proof = try stored.consistency(earlier, later)
                let way = NaiveTree.sides(from: earlier, to: later)
                for (other, otherWay) in zip(others, ways) {
                    let start = TreeHead(size: TreeSize(UInt64(other.0)), root: naive.head(earlier).root)
                    let end = TreeHead(size: TreeSize(UInt64(other.1)), root: naive.head(later).root)
                    if proof.isValid(from: start, to: end) != (way == otherWay) {
                        Issue.record("from \(earlier) to \(later) as from \(other.0) to \(other.1)")
                    }
                }
            }
        }
    }

    @Test("trees of one size are consistent when they are the same tree")
    func sameSize() throws {
        let none = ConsistencyProof(hashes: [])
        for size in UInt64(0)...8 {
            let head = ReferenceLog.head(size)
            try none.verify(from: head, to: head)
            #expect(throws: ProofFault.wrongRoot) { try none.verify(from: head, to: head.flipping(bit: 7)) }
            #expect(throws: ProofFault.wrongLength) { try ConsistencyProof(hashes: [.empty]).verify(from: head, to: head) }
        }
        // The same wrong root twice: no tree without leaves has it.
        let wrong = TreeHead.empty.flipping(bit: 0)
        #expect(throws: ProofFault.wrongRoot) { try none.verify(from: wrong, to: wrong) }
    }

    @Test("every tree grew out of the empty one, whose root has to be that of nothing")
    func fromNothing() throws {
        let none = ConsistencyProof(hashes: [])
        try none.verify(from: .empty, to: ReferenceLog.head(7))
        #expect(throws: ProofFault.wrongRoot) { try none.verify(from: TreeHead.empty.flipping(bit: 0), to: ReferenceLog.head(7)) }
        #expect(throws: ProofFault.wrongLength) { try ConsistencyProof(hashes: [.empty]).verify(from: .empty, to: ReferenceLog.head(7)) }
    }

    @Test("a proof says what is wrong with it")
    func faults() {
        let (earlier, later) = (ReferenceLog.head(6), ReferenceLog.head(8))
        let proof = ConsistencyProof(hashes: ReferenceLog.hashes(at: [(1, 2), (1, 3), (2, 0)]))
        #expect(throws: ProofFault.sizesReversed) { try proof.verify(from: later, to: earlier) }
        #expect(throws: ProofFault.wrongRoot) { try proof.verify(from: earlier.flipping(bit: 1), to: later) }
        #expect(throws: ProofFault.wrongRoot) { try proof.verify(from: earlier, to: later.flipping(bit: 1)) }
        for hashes in [[], Array(proof.hashes.dropLast()), proof.hashes + [.empty], Array(repeating: .empty, count: 1_000)] {
            #expect(throws: ProofFault.wrongLength) { try ConsistencyProof(hashes: hashes).verify(from: earlier, to: later) }
        }
        #expect(throws: ProofFault.wrongLength) { try ConsistencyProof(hashes: []).verify(from: ReferenceLog.head(4), to: later) }
        #expect(throws: ProofFault.wrongLength) {
            try proof.verify(
                from: TreeHead(size: TreeSize(.max - 1), root: .empty), to: TreeHead(size: TreeSize(.max), root: .empty))
        }
    }
}

extension TreeHead {
    /// With a bit of the root turned over.
    fileprivate func flipping(bit: Int) -> TreeHead { TreeHead(size: size, root: root.flipping(bit: bit)) }
}

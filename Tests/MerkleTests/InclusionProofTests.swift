import Merkle
import TestSupport
import Testing

@Suite("InclusionProof")
struct InclusionProofTests {
    @Test("the proofs of Certificate Transparency's log are its proofs, and verify")
    func reference() throws {
        let stored = StoredTree(ReferenceLog.nodes[0])
        for (leaf, size, places) in ReferenceLog.inclusions {
            let proof = try stored.inclusion(Int(leaf), Int(size))
            #expect(proof.hashes == ReferenceLog.hashes(at: places))
            try proof.verify(leaf: ReferenceLog.nodes[0][Int(leaf)], in: ReferenceLog.head(size))
        }
    }

    @Test("the proof of every leaf at every size to 130 is the model's, and verifies")
    func exhaustive() throws {
        var naive = NaiveTree(count: 130)
        let stored = StoredTree(naive.leaves)
        for size in 1...130 {
            let head = naive.head(size)
            for leaf in 0..<size {
                let proof = try stored.inclusion(leaf, size)
                guard proof.hashes == naive.path(leaf, 0..<size), proof.isValid(leaf: naive.leaves[leaf], in: head) else {
                    Issue.record("leaf \(leaf) of \(size)")
                    continue
                }
            }
        }
    }

    @Test("so is the proof of any leaf at any size to a few thousand")
    func randomSizes() throws {
        var random = SeededRandom(for: "inclusion")
        var naive = NaiveTree(count: Int.random(in: 2_000...4_000, using: &random))
        let stored = StoredTree(naive.leaves)
        for _ in 0..<300 {
            let size = Int.random(in: 1...naive.leaves.count, using: &random)
            let leaf = Int.random(in: 0..<size, using: &random)
            let proof = try stored.inclusion(leaf, size)
            #expect(proof.hashes == naive.path(leaf, 0..<size), "leaf \(leaf) of \(size)")
            try proof.verify(leaf: naive.leaves[leaf], in: naive.head(size))
        }
    }

    @Test("a proof reads complete subtrees of its tree alone")
    func reads() {
        let power: UInt64 = 1 << 40
        let places: [(UInt64, UInt64)] = [(0, power), (5, power + 12_345), (power, power + 1), (.max - 1, .max)]
        for (leaf, size) in places {
            let proof = InclusionProof(of: LeafIndex(leaf), in: TreeSize(size)) { node in
                #expect(node.isComplete(in: TreeSize(size)))
                return .empty
            }
            #expect(proof.hashes.count <= 64)
        }
    }

    @Test("every bit of proof, root and leaf matters")
    func everyBit() throws {
        let (leaf, head) = (ReferenceLog.nodes[0][5], ReferenceLog.head(8))
        let proof = InclusionProof(index: LeafIndex(5), hashes: ReferenceLog.hashes(at: [(0, 4), (1, 3), (2, 0)]))
        try proof.verify(leaf: leaf, in: head)
        for bit in 0..<256 {
            #expect(!proof.isValid(leaf: leaf.flipping(bit: bit), in: head))
            #expect(!proof.isValid(leaf: leaf, in: TreeHead(size: head.size, root: head.root.flipping(bit: bit))))
            for place in proof.hashes.indices {
                #expect(!proof.replacing(place, by: proof.hashes[place].flipping(bit: bit)).isValid(leaf: leaf, in: head))
            }
        }
    }

    @Test("whatever is changed of a proof, its leaf or its root, at every size to 40, is refused")
    func tampering() throws {
        var random = SeededRandom(for: "tampered inclusion")
        var naive = NaiveTree(count: 42)
        let stored = StoredTree(naive.leaves)
        for size in 1...40 {
            let head = naive.head(size)
            for leaf in 0..<size {
                let proof = try stored.inclusion(leaf, size)
                let bit = Int.random(in: 0..<256, using: &random)
                var forged = proof.forgeries(bit: bit, stranger: naive.leaves[41]).map { ($0, naive.leaves[leaf], head) }
                forged.append((proof, naive.leaves[leaf].flipping(bit: bit), head))
                forged.append((proof, naive.leaves[leaf], TreeHead(size: head.size, root: head.root.flipping(bit: bit))))
                forged.append((proof, naive.leaves[(leaf + 1) % 41], head))
                forged.append((proof, naive.leaves[leaf], naive.head(size - 1)))
                forged.append((proof, naive.leaves[leaf], naive.head(size + 1)))
                for (proof, hash, head) in forged where proof.isValid(leaf: hash, in: head) {
                    Issue.record("leaf \(leaf) of \(size): \(proof)")
                }
            }
        }
    }

    @Test("a proof holds for its root at another size only where the way up to the leaf is the same")
    func otherSizes() throws {
        var naive = NaiveTree(count: 32)
        let stored = StoredTree(naive.leaves)
        for size in 1...32 {
            let root = naive.head(size).root
            for leaf in 0..<size {
                let proof = try stored.inclusion(leaf, size)
                for other in 0...40 {
                    let head = TreeHead(size: TreeSize(UInt64(other)), root: root)
                    let isSame = leaf < other && NaiveTree.sides(leaf, other) == NaiveTree.sides(leaf, size)
                    if proof.isValid(leaf: naive.leaves[leaf], in: head) != isSame {
                        Issue.record("leaf \(leaf) of \(size) as of \(other)")
                    }
                }
            }
        }
    }

    @Test("a proof says what is wrong with it")
    func faults() {
        let proof = InclusionProof(index: LeafIndex(5), hashes: ReferenceLog.hashes(at: [(0, 4), (1, 3), (2, 0)]))
        let (leaf, head) = (ReferenceLog.nodes[0][5], ReferenceLog.head(8))
        #expect(throws: ProofFault.outsideTree) { try proof.verify(leaf: leaf, in: ReferenceLog.head(5)) }
        #expect(throws: ProofFault.outsideTree) { try proof.verify(leaf: leaf, in: .empty) }
        #expect(throws: ProofFault.wrongRoot) { try proof.verify(leaf: .empty, in: head) }
        for hashes in [[], Array(proof.hashes.dropLast()), proof.hashes + [.empty], Array(repeating: .empty, count: 1_000)] {
            #expect(throws: ProofFault.wrongLength) {
                try InclusionProof(index: proof.index, hashes: hashes).verify(leaf: leaf, in: head)
            }
        }
        #expect(throws: ProofFault.wrongLength) {
            try InclusionProof(index: LeafIndex(.max - 1), hashes: proof.hashes).verify(
                leaf: leaf, in: TreeHead(size: TreeSize(.max), root: head.root))
        }
    }

    @Test("a fault is told in a sentence")
    func explanations() {
        #expect(ProofFault.outsideTree.explanation == "the leaf is beyond the end of the tree")
        #expect(ProofFault.sizesReversed.explanation == "the later tree is smaller than the earlier one")
        #expect(ProofFault.wrongLength.explanation == "the proof has more or fewer hashes than it needs")
        #expect(ProofFault.wrongRoot.explanation == "the proof does not lead to the root")
    }
}

extension InclusionProof {
    fileprivate func replacing(_ place: Int, by hash: TreeHash) -> InclusionProof {
        var changed = hashes
        changed[place] = hash
        return InclusionProof(index: index, hashes: changed)
    }

    /// With one bit of each hash changed, one more hash or one fewer at both ends, neighbours exchanged, and for other leaves.
    fileprivate func forgeries(bit: Int, stranger: TreeHash) -> [InclusionProof] {
        let lists = hashes.forgeries(bit: bit, stranger: stranger)
        let indices = (0..<64).map { LeafIndex(index.rawValue ^ 1 << UInt64($0)) }
        return lists.map { InclusionProof(index: index, hashes: $0) } + indices.map { InclusionProof(index: $0, hashes: hashes) }
    }
}

extension [TreeHash] {
    /// Lists that differ from this one, of different hashes, in one thing.
    func forgeries(bit: Int, stranger: TreeHash) -> [[TreeHash]] {
        var lists = [self + [stranger], [stranger] + self]
        for place in indices {
            var (flipped, shorter, exchanged) = (self, self, self)
            flipped[place] = self[place].flipping(bit: bit)
            shorter.remove(at: place)
            lists += [flipped, shorter]
            if place > 0 {
                exchanged.swapAt(place, place - 1)
                lists.append(exchanged)
            }
        }
        return lists
    }
}

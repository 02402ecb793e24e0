import Merkle
import TestSupport
import Testing

@Suite("Frontier")
struct FrontierTests {
    @Test("the roots of the log of Certificate Transparency are its roots")
    func reference() {
        var frontier = Frontier()
        #expect(frontier.head == .empty)
        for (index, record) in ReferenceLog.records.enumerated() {
            frontier.append(TreeHash(record: record))
            #expect(frontier.head == ReferenceLog.head(UInt64(index + 1)))
        }
    }

    @Test("its root is the model's at every size to 130")
    func model() {
        var naive = NaiveTree(count: 130)
        var frontier = Frontier()
        for size in 0...130 {
            #expect(frontier.head == naive.head(size))
            #expect(frontier.peaks.count == size.nonzeroBitCount)
            if size < 130 { frontier.append(naive.leaves[size]) }
        }
    }

    @Test("every complete subtree is reported once, in the append that completes it, from the leaf upwards")
    func reports() {
        var naive = NaiveTree(count: 130)
        var frontier = Frontier()
        for (index, leaf) in naive.leaves.enumerated() {
            var reported: [TreeNode] = []
            frontier.append(leaf) { node, hash in
                reported.append(node)
                let first = Int(node.index) << node.level
                #expect(hash == naive.root(first..<first + 1 << node.level))
            }
            let levels = 0...(index + 1).trailingZeroBitCount
            #expect(reported == levels.map { TreeNode(level: $0, index: UInt64(index >> $0)) })
        }
    }

    @Test("the nodes of tiles are among the reported: of 65,792 leaves 257 of level 8, and one of level 16")
    func tileLevels() {
        var frontier = Frontier()
        var counts: [Int: Int] = [:]
        for _ in 0..<65_792 {
            frontier.append(.empty) { node, _ in counts[node.level, default: 0] += 1 }
        }
        #expect(counts[0] == 65_792)
        #expect(counts[8] == 257)
        #expect(counts[16] == 1)
        #expect(counts[17] == nil)
    }

    @Test("many leaves at once make the tree that they make one by one, and complete the same subtrees")
    func together() {
        let leaves = NaiveTree(count: 700).leaves
        var random = SeededRandom(for: "leaves at once")
        for _ in 0..<60 {
            var (single, many) = (Frontier(), Frontier())
            var rest = leaves[...]
            while !rest.isEmpty {
                let next = rest.prefix(Int.random(in: 0...(random.chance(of: 1, in: 3) ? 300 : 20), using: &random))
                rest = rest.dropFirst(next.count)
                var (wanted, found): ([TreeNode: TreeHash], [TreeNode: TreeHash]) = ([:], [:])
                for leaf in next { single.append(leaf) { node, hash in if node.level > 0 { wanted[node] = hash } } }
                many.append(contentsOf: Array(next)) { node, hash in found[node] = hash }
                #expect(many == single)
                #expect(found == wanted)
            }
        }
    }

    @Test("a tree goes on from its peaks as if it had never stopped")
    func resumes() throws {
        let naive = NaiveTree(count: 300)
        var whole = Frontier()
        for size in 0..<300 {
            var resumed = try #require(Frontier(size: whole.size, peaks: whole.peaks))
            #expect(resumed == whole)
            whole.append(naive.leaves[size])
            resumed.append(naive.leaves[size])
            #expect(resumed == whole)
        }
    }

    @Test("a tree goes on from its stored subtrees, of which it reads its peaks alone")
    func reads() throws {
        let stored = StoredTree(NaiveTree(count: 130).leaves)
        for size in 0...130 {
            var read: [TreeNode] = []
            let frontier = try Frontier(size: TreeSize(UInt64(size))) { (node) throws(StoredTree.Missing) in
                read.append(node)
                return try stored.hash(of: node)
            }
            #expect(try frontier.head == stored.head(size))
            #expect(read == Frontier.places(at: TreeSize(UInt64(size))))
            #expect(read.allSatisfy { $0.isComplete(in: TreeSize(UInt64(size))) })
        }
    }

    @Test("peaks that are not as many as the size has are refused")
    func wrongPeaks() {
        for (size, peaks) in [(0, 1), (1, 0), (1, 2), (2, 2), (3, 1), (255, 7), (256, 2), (UInt64.max, 63)] {
            #expect(Frontier(size: TreeSize(size), peaks: Array(repeating: .empty, count: peaks)) == nil)
        }
        #expect(Frontier(size: TreeSize(.max), peaks: Array(repeating: .empty, count: 64)) != nil)
    }

    @Test("when a report fails, the tree is as it was")
    func failedReport() throws {
        struct Full: Error {}
        var frontier = Frontier()
        for leaf in NaiveTree(count: 7).leaves { frontier.append(leaf) }
        let before = frontier
        for level in 0...3 {
            #expect(throws: Full.self) {
                try frontier.append(.empty) { (node, _) throws(Full) in if node.level == level { throw Full() } }
            }
            #expect(frontier == before)
        }
    }

    @Test("a failure to read is thrown as it is")
    func failedRead() {
        let stored = StoredTree(NaiveTree(count: 5).leaves)
        #expect(throws: StoredTree.Missing(node: TreeNode(level: 1, index: 2))) {
            try Frontier(size: TreeSize(6)) { (node) throws(StoredTree.Missing) in try stored.hash(of: node) }
        }
    }
}

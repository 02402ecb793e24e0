import Merkle
import TestSupport
import Testing

@Suite("TreeHead")
struct TreeHeadTests {
    @Test("the head of an earlier size is computed from what is stored at a later one")
    func earlierSizes() throws {
        var naive = NaiveTree(count: 130)
        let stored = StoredTree(naive.leaves)
        for size in 0...130 { #expect(try stored.head(size) == naive.head(size)) }
    }

    @Test("so is the head of any size to a few thousand")
    func randomSizes() throws {
        var random = SeededRandom(for: "heads")
        var naive = NaiveTree(count: Int.random(in: 2_000...4_000, using: &random))
        let stored = StoredTree(naive.leaves)
        for _ in 0..<100 {
            let size = Int.random(in: 0...naive.leaves.count, using: &random)
            #expect(try stored.head(size) == naive.head(size), "\(size)")
        }
    }

    @Test("a root is made of at most one subtree a level, however large the tree")
    func reads() {
        let sizes: [UInt64] = [1, 2, 3, 1 << 40, (1 << 40) - 1, .max]
        for leaves in sizes {
            var levels: [Int] = []
            _ = TreeHead(size: TreeSize(leaves)) { node in
                levels.append(node.level)
                #expect(node.isComplete(in: TreeSize(leaves)))
                return .empty
            }
            let set = (0..<64).reversed().filter { level in leaves >> UInt64(level) & 1 == 1 }
            #expect(levels == set)
        }
    }

    @Test("a subtree is complete when its last leaf is there")
    func complete() {
        #expect(!TreeNode(level: 0, index: 0).isComplete(in: .empty))
        #expect(TreeNode(level: 0, index: 0).isComplete(in: TreeSize(1)))
        #expect(!TreeNode(level: 3, index: 1).isComplete(in: TreeSize(15)))
        #expect(TreeNode(level: 3, index: 1).isComplete(in: TreeSize(16)))
        #expect(!TreeNode(level: 63, index: 1).isComplete(in: TreeSize(.max)))
    }
}

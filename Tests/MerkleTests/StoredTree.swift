import Merkle

/// A tree grown leaf by leaf, and every complete subtree as its frontier reported it.
struct StoredTree {
    private(set) var frontier = Frontier()
    private(set) var nodes: [TreeNode: TreeHash] = [:]

    /// A subtree that nobody reported.
    struct Missing: Error, Equatable { let node: TreeNode }

    init(_ leaves: some Sequence<TreeHash>) {
        for leaf in leaves { append(leaf) }
    }

    mutating func append(_ leaf: TreeHash) {
        frontier.append(leaf) { node, hash in
            precondition(nodes.updateValue(hash, forKey: node) == nil, "a subtree is reported once because it is completed once")
        }
    }

    func hash(of node: TreeNode) throws(Missing) -> TreeHash {
        guard let hash = nodes[node] else { throw Missing(node: node) }
        return hash
    }

    func head(_ size: Int) throws(Missing) -> TreeHead { try TreeHead(size: TreeSize(UInt64(size)), reading: hash) }

    func inclusion(_ leaf: Int, _ size: Int) throws(Missing) -> InclusionProof {
        try InclusionProof(of: LeafIndex(UInt64(leaf)), in: TreeSize(UInt64(size)), reading: hash)
    }

    func consistency(_ earlier: Int, _ later: Int) throws(Missing) -> ConsistencyProof {
        try ConsistencyProof(from: TreeSize(UInt64(earlier)), to: TreeSize(UInt64(later)), reading: hash)
    }
}

extension InclusionProof {
    func isValid(leaf: TreeHash, in head: TreeHead) -> Bool {
        do {
            try verify(leaf: leaf, in: head)
            return true
        } catch { return false }
    }
}

extension ConsistencyProof {
    func isValid(from earlier: TreeHead, to later: TreeHead) -> Bool {
        do {
            try verify(from: earlier, to: later)
            return true
        } catch { return false }
    }
}

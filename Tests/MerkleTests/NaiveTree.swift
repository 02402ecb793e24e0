import Merkle

/// The model: the definitions of RFC 6962, section 2.1, word for word, over a list of leaf hashes. What it computed it remembers.
struct NaiveTree {
    let leaves: [TreeHash]
    private var known: [Range<Int>: TreeHash] = [:]

    /// Of records that are all different.
    init(count: Int) {
        leaves = (0..<count).map { TreeHash(record: Array("record \($0)".utf8)) }
    }

    mutating func head(_ size: Int) -> TreeHead { TreeHead(size: TreeSize(UInt64(size)), root: root(0..<size)) }

    /// MTH(D[range]).
    mutating func root(_ range: Range<Int>) -> TreeHash {
        if range.isEmpty { return .empty }
        if range.count == 1 { return leaves[range.lowerBound] }
        if let hash = known[range] { return hash }
        let middle = range.lowerBound + Self.split(range.count)
        let hash = TreeHash(left: root(range.lowerBound..<middle), right: root(middle..<range.upperBound))
        known[range] = hash
        return hash
    }

    /// PATH(m, D[range]), with m counted from the first leaf of all.
    mutating func path(_ leaf: Int, _ range: Range<Int>) -> [TreeHash] {
        if range.count == 1 { return [] }
        let middle = range.lowerBound + Self.split(range.count)
        let (left, right) = (range.lowerBound..<middle, middle..<range.upperBound)
        return leaf < middle ? path(leaf, left) + [root(right)] : path(leaf, right) + [root(left)]
    }

    /// SUBPROOF(m, D[range], b), with m counted from the first leaf of all.
    mutating func subproof(_ earlier: Int, _ range: Range<Int>, isWhole: Bool) -> [TreeHash] {
        if earlier == range.upperBound { return isWhole ? [] : [root(range)] }
        let middle = range.lowerBound + Self.split(range.count)
        let (left, right) = (range.lowerBound..<middle, middle..<range.upperBound)
        return earlier <= middle
            ? subproof(earlier, left, isWhole: isWhole) + [root(right)] : subproof(earlier, right, isWhole: false) + [root(left)]
    }

    /// The sides on which the hashes of a path are, from the leaf up: true for the right.
    static func sides(_ leaf: Int, _ size: Int) -> [Bool] {
        if size <= 1 { return [] }
        let middle = split(size)
        return leaf < middle ? sides(leaf, middle) + [true] : sides(leaf - middle, size - middle) + [false]
    }

    /// The same of a consistency proof; nil for the earlier tree itself, which the verifier has, and which has no side.
    static func sides(from earlier: Int, to later: Int, isWhole: Bool = true) -> [Bool?] {
        if earlier == later { return isWhole ? [nil] : [] }
        let middle = split(later)
        return earlier <= middle
            ? sides(from: earlier, to: middle, isWhole: isWhole) + [true]
            : sides(from: earlier - middle, to: later - middle, isWhole: false) + [false]
    }

    /// The largest power of two that is less.
    private static func split(_ count: Int) -> Int {
        var power = 1
        while power * 2 < count { power *= 2 }
        return power
    }
}

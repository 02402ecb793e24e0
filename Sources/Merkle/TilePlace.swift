/// Which tile of a log: up to 256 hashes of a level of the tree, or the entries under as many leaves.
///
/// https://c2sp.org/tlog-tiles. A tile's level is an eighth of its nodes': each hash of a tile is the root of a full tile below.
package struct TilePlace: Hashable, Sendable {
    package enum Kind: Hashable, Sendable {
        /// Of a level of tiles, 0 to 63.
        case hashes(level: Int)
        case entries
    }

    package static let fullWidth = 256
    package static let levels = 0...63
    /// Leaves are counted in 64 bits, and a tile has 256 of them.
    package static let indexMax = UInt64.max >> 8

    package let kind: Kind
    /// From 0, among those of its level.
    package let index: UInt64
    /// How many hashes or entries it has: 1 to 256. One of fewer than 256 is partial, and lies beside those of other widths.
    package let width: Int

    /// Nil where no tile can be: of a level, an index or a width beyond the limits.
    package init?(_ kind: Kind, index: UInt64, width: Int = fullWidth) {
        if case .hashes(let level) = kind, !Self.levels.contains(level) { return nil }
        guard index <= Self.indexMax, (1...Self.fullWidth).contains(width) else { return nil }
        self.kind = kind
        self.index = index
        self.width = width
    }

    /// As it is in a tree of a size: full, or partial at the right edge. Nil where the tree does not reach it.
    package init?(_ kind: Kind, index: UInt64, in size: TreeSize) {
        let nodes = size.leaves >> UInt64(8 * Self.level(of: kind))
        let before = index.multipliedReportingOverflow(by: UInt64(Self.fullWidth))
        guard !before.overflow, before.partialValue < nodes else { return nil }
        self.init(kind, index: index, width: Int(min(nodes - before.partialValue, UInt64(Self.fullWidth))))
    }

    private static func level(of kind: Kind) -> Int {
        if case .hashes(let level) = kind { level } else { 0 }
    }

    package var isFull: Bool { width == Self.fullWidth }

    /// The subtrees whose hashes it holds, or the leaves of its entries; nil for a level that no tree reaches.
    package var nodes: [TreeNode]? {
        let level = 8 * Self.level(of: kind)
        guard level < 64 else { return nil }
        return (0..<width).map { TreeNode(level: level, index: index << 8 | UInt64($0)) }
    }
}

/// Its path: `tile/<L>/<N>[.p/<W>]` or `tile/entries/<N>[.p/<W>]`, with N in groups of three digits, `x` before all but the last.
extension TilePlace: CustomStringConvertible {
    package var path: String {
        let level = if case .hashes(let level) = kind { "\(level)" } else { "entries" }
        return "tile/\(level)/\(Self.groups(of: index))\(isFull ? "" : ".p/\(width)")"
    }

    package var description: String { path }

    private static func groups(of index: UInt64) -> String {
        let group = String(String(index % 1000 + 1000).dropFirst())
        return index < 1000 ? group : higherGroups(of: index / 1000) + group
    }

    private static func higherGroups(of index: UInt64) -> String {
        (index < 1000 ? "" : higherGroups(of: index / 1000)) + "x" + String(index % 1000 + 1000).dropFirst() + "/"
    }

    /// Nil for every spelling that `path` does not make.
    package init?(path: String) {
        var words = path.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).map(Array.init)
        guard words.count >= 3, words.removeFirst() == Array("tile".utf8) else { return nil }
        guard let kind = Self.kind(words.removeFirst()), let width = Self.takeWidth(from: &words) else { return nil }
        let digits = words.flatMap { $0.drop { $0 == UInt8(ascii: "x") } }
        guard let index = UInt64(String(decoding: digits, as: UTF8.self)) else { return nil }
        self.init(kind, index: index, width: width)
        // Signs, missing or additional zeros and groups of other lengths are found here.
        guard Array(self.path.utf8) == Array(path.utf8) else { return nil }
    }

    private static func kind(_ word: [UInt8]) -> Kind? {
        if word == Array("entries".utf8) { return .entries }
        return UInt64(decimal: word).flatMap(Int.init(exactly:)).map { .hashes(level: $0) }
    }

    /// Takes `.p/<W>` off the end, if it is there.
    private static func takeWidth(from words: inout [[UInt8]]) -> Int? {
        let mark = Array(".p".utf8)
        guard words.count >= 2, words[words.count - 2].suffix(2) == mark[...] else { return fullWidth }
        let width = UInt64(decimal: words.removeLast()).flatMap(Int.init(exactly:))
        words[words.count - 1].removeLast(mark.count)
        return width
    }
}

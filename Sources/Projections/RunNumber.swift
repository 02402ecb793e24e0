import LMDB

/// A run, by level and number.
struct RunNumber: Hashable {
    var rawValue: UInt64

    static let levelMax = 100
    /// Before all that there are.
    static let least = RunNumber(at: 0)

    private init(at rawValue: UInt64) { self.rawValue = rawValue }

    /// Nil for what no run can have.
    init?(_ word: UInt64) {
        guard word >> 56 >= 255 - UInt64(Self.levelMax), word < .max else { return nil }
        rawValue = word
    }

    /// Nil for a key that no chunk can have.
    init?(of key: RawSpan, width: Int) {
        guard key.byteCount == 8 + 8 * width, let word = key.word(0) else { return nil }
        self.init(word)
    }

    /// A new one, behind those of its level. Level 0 has the greatest numbers of all: what folds bring goes to the table's end.
    init(level: Int, behind others: [RunNumber]) {
        let first = UInt64(255 - level) << 56
        rawValue = others.filter { $0.level == level }.map(\.next.rawValue).max() ?? first
    }

    var level: Int { 255 - Int(rawValue >> 56) }
    var next: RunNumber { RunNumber(at: rawValue + 1) }
    var key: [UInt64] { [rawValue.bigEndian] }

    func key<let width: Int>(startingWith row: InlineArray<width, UInt64>) -> [UInt64] {
        var words = [rawValue.bigEndian]
        for index in 0..<width { words.append(row[index].bigEndian) }
        return words
    }
}

import CXXHash
import LMDB

/// Rows of a few whole numbers, in order: a table of a partition's index, as sorted runs.
///
/// A fold brings rows that belong everywhere among those that are there. Put where they belong, each would make LMDB write a page anew:
/// thousands of pages for a few hundred kilobytes. So what a fold brings becomes a run of its own, behind all others; when
/// eight runs of a level are there, they are merged to one of the next (O'Neil, Cheng, Gawlick, O'Neil 1996: the log-structured merge
/// tree). Whoever looks for a row looks into each run.
///
/// A run lies in chunks. Key: run (u64: 255 - level in the upper byte, then a number), first row. Value: rows, and XXH3-64 of key and rows.
/// All numbers big-endian.
struct Runs<let width: Int>: Sendable {
    /// Numbers as the machine has them.
    typealias Row = InlineArray<width, UInt64>

    let table: Table
    let name: String
    let path: String

    init(_ name: String, in environment: Environment) {
        table = environment.table(named: name)
        self.name = name
        path = environment.path
    }

    /// Rows that fill eight pages of LMDB's, with its header and the sum.
    private static var chunkRowsMax: Int { (8 * 4096 - 16 - 8) / (8 * width) }

    private var damage: ProjectionFailure { .damaged(path: path, table: name) }

    // MARK: Reading

    /// Up to `limit` rows from `start` on that begin with the same number, ascending.
    func rows(from start: Row, limit: Int, _ reader: Reader) throws(ProjectionFailure) -> [Row] {
        var found: [Row] = []
        var isSound = true
        try onStore { () throws(LMDBError) in
            var cursor = try reader.cursor(in: table)
            var run = RunNumber(0)
            while try cursor.seek(atLeast: run.key.span.bytes), let here = RunNumber(of: cursor.key) {
                let key = here.key(startingWith: start)
                var isThere = try cursor.seek(below: key.span.bytes)
                // The last chunk that begins before `start` may reach up to it.
                var index: Int?
                if !isThere || RunNumber(of: cursor.key) != here {
                    isThere = isThere ? try cursor.next() : try cursor.first()
                    index = 0
                }
                var taken = 0
                walk: while isThere, RunNumber(of: cursor.key) == here {
                    guard let count = cursor.value.rowCount(ofWidth: width) else { return isSound = false }
                    for place in (index ?? cursor.value.firstIndex(notBelow: start, of: count))..<count {
                        let row: Row = cursor.value.row(place)
                        if row[0] != start[0] || taken == limit { break walk }
                        found.append(row)
                        taken += 1
                    }
                    index = 0
                    isThere = try cursor.next()
                }
                run = here.next
            }
        }
        guard isSound else { throw damage }
        return Array(found.sorted { $0.precedes($1) }.prefix(limit))
    }

    /// Up to `limit` rows before `end` that begin with the same number, descending.
    func rows(before end: Row, limit: Int, _ reader: Reader) throws(ProjectionFailure) -> [Row] {
        var found: [Row] = []
        var isSound = true
        try onStore { () throws(LMDBError) in
            var cursor = try reader.cursor(in: table)
            var run = RunNumber(0)
            while try cursor.seek(atLeast: run.key.span.bytes), let here = RunNumber(of: cursor.key) {
                let key = here.key(startingWith: end)
                var isThere = try cursor.seek(below: key.span.bytes)
                var taken = 0
                walk: while isThere, RunNumber(of: cursor.key) == here {
                    guard let count = cursor.value.rowCount(ofWidth: width) else { return isSound = false }
                    for place in (0..<cursor.value.firstIndex(notBelow: end, of: count)).reversed() {
                        let row: Row = cursor.value.row(place)
                        if row[0] != end[0] || taken == limit { break walk }
                        found.append(row)
                        taken += 1
                    }
                    isThere = try cursor.previous()
                }
                run = here.next
            }
        }
        guard isSound else { throw damage }
        return Array(found.sorted { $1.precedes($0) }.prefix(limit))
    }

    /// Calls `body` with all rows, run by run.
    func forEach(_ reader: Reader, _ body: (Row) -> Void) throws(ProjectionFailure) {
        var isSound = true
        try onStore { () throws(LMDBError) in
            var cursor = try reader.cursor(in: table)
            while isSound, try cursor.next() {
                guard let count = cursor.value.rowCount(ofWidth: width), cursor.key.byteCount == 8 + 8 * width,
                    cursor.value.word(count * width) == cursor.value.sum(ofRows: count * width, under: cursor.key)
                else {
                    isSound = false
                    break
                }
                for index in 0..<count { body(cursor.value.row(index)) }
            }
        }
        guard isSound else { throw damage }
    }

    func count(_ reader: Reader) throws(ProjectionFailure) -> Int { try catalog(reader).reduce(0) { $0 + $1.rows } }

    /// Calls `body` with all rows in order.
    func forEachInOrder(_ reader: Reader, _ body: (Row) -> Void) throws(ProjectionFailure) {
        var merge = RunMerge(of: self, try catalog(reader).map(\.run))
        try merge.begin(reader)
        while let row = merge.least {
            body(row)
            try merge.advance(reader)
        }
    }

    /// The runs, in order of their numbers.
    private func catalog(_ reader: Reader) throws(ProjectionFailure) -> [(run: RunNumber, rows: Int)] {
        var runs: [(run: RunNumber, rows: Int)] = []
        var isSound = true
        try onStore { () throws(LMDBError) in
            var cursor = try reader.cursor(in: table)
            while isSound, try cursor.next() {
                guard let run = RunNumber(of: cursor.key), let count = cursor.value.rowCount(ofWidth: width) else {
                    isSound = false
                    break
                }
                if runs.last?.run != run { runs.append((run, 0)) }
                runs[runs.count - 1].rows += count
            }
        }
        guard isSound else { throw damage }
        return runs
    }

    /// A run's first chunk, or the one behind the chunk that begins with `row`; empty behind the last.
    fileprivate func chunk(of run: RunNumber, behind row: Row?, _ reader: Reader) throws(ProjectionFailure) -> [Row] {
        var rows: [Row] = []
        var isSound = true
        try onStore { () throws(LMDBError) in
            var cursor = try reader.cursor(in: table)
            let key = row.map { run.key(startingWith: $0) } ?? run.key
            var isThere = try cursor.seek(atLeast: key.span.bytes)
            if isThere, row != nil { isThere = try cursor.next() }
            guard isThere, RunNumber(of: cursor.key) == run else { return }
            guard let count = cursor.value.rowCount(ofWidth: width) else { return isSound = false }
            rows.reserveCapacity(count)
            for index in 0..<count { rows.append(cursor.value.row(index)) }
        }
        guard isSound else { throw damage }
        return rows
    }

    // MARK: Writing

    /// So many runs of a level become one of the next, if they have no more rows than `mergedRowsMax` together: what is merged holds up the
    /// fold.
    private static var fanOut: Int { 8 }
    private static var mergedRowsMax: Int { 3 << 19 }

    /// Adds rows, in order, none of which is there yet.
    func add(_ rows: [Row], _ transaction: inout WriteTransaction) throws(ProjectionFailure) {
        if rows.isEmpty { return }
        var catalog = try catalog(transaction.reader)
        let run = RunNumber(level: 0, behind: catalog.map(\.run))
        var rest = rows[...]
        while !rest.isEmpty {
            try put(rest.prefix(Self.chunkRowsMax), of: run, &transaction)
            rest = rest.dropFirst(Self.chunkRowsMax)
        }
        catalog.append((run, rows.count))
        var level = 0
        while let merged = try merge(level, &catalog, &transaction) {
            catalog.append(merged)
            level += 1
        }
    }

    /// Merges the runs of a level to one of the next, if it is time.
    private func merge(
        _ level: Int, _ catalog: inout [(run: RunNumber, rows: Int)], _ transaction: inout WriteTransaction
    ) throws(ProjectionFailure) -> (run: RunNumber, rows: Int)? {
        let inputs = catalog.filter { $0.run.level == level }
        let rows = inputs.reduce(0) { $0 + $1.rows }
        guard inputs.count >= Self.fanOut, rows <= Self.mergedRowsMax else { return nil }
        let output = RunNumber(level: level + 1, behind: catalog.map(\.run))
        var merge = RunMerge(of: self, inputs.map(\.run))
        try merge.begin(transaction.reader)
        var chunk: [Row] = []
        while let row = merge.least {
            chunk.append(row)
            if chunk.count == Self.chunkRowsMax {
                try put(chunk[...], of: output, &transaction)
                chunk.removeAll(keepingCapacity: true)
            }
            try merge.advance(transaction.reader)
        }
        if !chunk.isEmpty { try put(chunk[...], of: output, &transaction) }
        for input in inputs { try remove(input.run, &transaction) }
        catalog.removeAll { $0.run.level == level }
        return (output, rows)
    }

    private func put(_ rows: ArraySlice<Row>, of run: RunNumber, _ transaction: inout WriteTransaction) throws(ProjectionFailure) {
        guard let first = rows.first else { return }
        let key = run.key(startingWith: first)
        var words: [UInt64] = []
        words.reserveCapacity(rows.count * width + 1)
        for row in rows { for index in 0..<width { words.append(row[index].bigEndian) } }
        words.append(words.span.bytes.sum(ofRows: words.count, under: key.span.bytes).bigEndian)
        do { try transaction.put(words.span.bytes, for: key.span.bytes, in: table) } catch { throw .store(error) }
    }

    private func remove(_ run: RunNumber, _ transaction: inout WriteTransaction) throws(ProjectionFailure) {
        do {
            while let key = try firstKey(of: run, transaction.reader) { _ = try transaction.delete(key.span.bytes, in: table) }
        } catch { throw .store(error) }
    }

    private func firstKey(of run: RunNumber, _ reader: Reader) throws(LMDBError) -> [UInt8]? {
        var cursor = try reader.cursor(in: table)
        let start = run.key
        guard try cursor.seek(atLeast: start.span.bytes), RunNumber(of: cursor.key) == run else { return nil }
        return cursor.key.withUnsafeBytes { [UInt8]($0) }
    }
}

/// A run, by level and number.
private struct RunNumber: Hashable {
    var rawValue: UInt64

    init(_ rawValue: UInt64) { self.rawValue = rawValue }

    init?(of key: RawSpan) {
        guard let word = key.word(0) else { return nil }
        rawValue = word
    }

    /// A new one, behind those of its level. Level 0 has the greatest numbers of all: what folds bring goes to the table's end.
    init(level: Int, behind others: [RunNumber]) {
        let first = UInt64(255 - level) << 56
        rawValue = others.filter { $0.level == level }.map(\.next.rawValue).max() ?? first
    }

    var level: Int { 255 - Int(rawValue >> 56) }
    var next: RunNumber { RunNumber(rawValue + 1) }
    var key: [UInt64] { [rawValue.bigEndian] }

    func key<let width: Int>(startingWith row: InlineArray<width, UInt64>) -> [UInt64] {
        var words = [rawValue.bigEndian]
        for index in 0..<width { words.append(row[index].bigEndian) }
        return words
    }
}

/// The rows of several runs in one order.
private struct RunMerge<let width: Int> {
    private let runs: Runs<width>
    /// A heap by their next rows.
    private var inputs: [Input]

    private struct Input {
        var run: RunNumber
        var chunk: [Runs<width>.Row] = []
        var index = 0
        var row: Runs<width>.Row { chunk[index] }
    }

    init(of runs: Runs<width>, _ numbers: [RunNumber]) {
        self.runs = runs
        inputs = numbers.map { Input(run: $0) }
    }

    mutating func begin(_ reader: Reader) throws(ProjectionFailure) {
        for index in inputs.indices { inputs[index].chunk = try runs.chunk(of: inputs[index].run, behind: nil, reader) }
        inputs.removeAll { $0.chunk.isEmpty }
        inputs.sort { $0.row.precedes($1.row) }
    }

    var least: Runs<width>.Row? { inputs.first?.row }

    /// Leaves the least row behind.
    mutating func advance(_ reader: Reader) throws(ProjectionFailure) {
        inputs[0].index += 1
        if inputs[0].index == inputs[0].chunk.count {
            inputs[0].chunk = try runs.chunk(of: inputs[0].run, behind: inputs[0].chunk[0], reader)
            inputs[0].index = 0
            if inputs[0].chunk.isEmpty {
                inputs.swapAt(0, inputs.count - 1)
                inputs.removeLast()
            }
        }
        sink()
    }

    private mutating func sink() {
        var place = 0
        while true {
            var least = place
            for child in [2 * place + 1, 2 * place + 2] where child < inputs.count {
                if inputs[child].row.precedes(inputs[least].row) { least = child }
            }
            if least == place { return }
            inputs.swapAt(place, least)
            place = least
        }
    }
}

extension InlineArray where Element == UInt64 {
    fileprivate func precedes(_ other: Self) -> Bool {
        for index in indices where self[index] != other[index] { return self[index] < other[index] }
        return false
    }
}

extension RawSpan {
    /// How many rows a chunk has; nil if it cannot be one.
    fileprivate func rowCount(ofWidth width: Int) -> Int? {
        let count = (byteCount - 8) / (8 * width)
        return count > 0 && byteCount == count * 8 * width + 8 ? count : nil
    }

    fileprivate func row<let width: Int>(_ index: Int) -> InlineArray<width, UInt64> {
        InlineArray { word in
            UInt64(bigEndian: unsafe unsafeLoadUnaligned(fromByteOffset: (index * width + word) * 8, as: UInt64.self))
        }
    }

    /// Where the rows begin that do not come before `row`, by halving.
    fileprivate func firstIndex<let width: Int>(notBelow row: InlineArray<width, UInt64>, of count: Int) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            let here: InlineArray<width, UInt64> = self.row(middle)
            if here.precedes(row) { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// Of a chunk's key and its first words.
    fileprivate func sum(ofRows words: Int, under key: RawSpan) -> UInt64 {
        let seed = key.withUnsafeBytes { unsafe XXH3_64bits($0.baseAddress, $0.count) }
        return withUnsafeBytes { unsafe XXH3_64bits_withSeed($0.baseAddress, words * 8, seed) }
    }
}

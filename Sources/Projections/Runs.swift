import LMDB

/// Rows of a few whole numbers, in order: a table of a partition's index, as sorted runs.
///
/// A fold brings rows that belong everywhere among those that are there. Put where they belong, each would make LMDB write a page anew:
/// thousands of pages for a few hundred kilobytes. So what a fold brings becomes a run of its own, behind all others; when
/// eight runs of a level are there, they are merged to one of the next (O'Neil, Cheng, Gawlick, O'Neil 1996: the log-structured merge
/// tree). Whoever looks for a row looks into each run.
///
/// Runs that have grown beyond a bound stay as they are: what a fold may have to write at once has an end, and so has the number of runs,
/// which is then in proportion to the rows.
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

    /// Up to `limit` rows from `start` on that begin with the same number and are wanted, ascending.
    func rows(
        from start: Row, limit: Int, where isWanted: (Row) -> Bool = { _ in true }, _ reader: Reader
    ) throws(ProjectionFailure) -> [Row] {
        var found: [Row] = []
        try visit(from: start, limit: limit, where: isWanted, reader) { found.append($0) }
        return Array(found.sorted { $0.precedes($1) }.prefix(limit))
    }

    /// Calls `body` with rows from `start` on that begin with the same number and are wanted, run by run, and up to `limit` of each.
    func visit(
        from start: Row, limit: Int = .max, where isWanted: (Row) -> Bool = { _ in true }, _ reader: Reader, _ body: (Row) -> Void
    ) throws(ProjectionFailure) {
        var isSound = true
        try onStore { () throws(LMDBError) in
            var cursor = try reader.cursor(in: table)
            var run = RunNumber.least
            while try cursor.seek(atLeast: run.key.span.bytes) {
                guard let here = RunNumber(of: cursor.key, width: width) else { return isSound = false }
                let key = here.key(startingWith: start)
                var isThere = try cursor.seek(below: key.span.bytes)
                // The last chunk that begins before `start` may reach up to it.
                var index: Int?
                if !isThere || RunNumber(of: cursor.key, width: width) != here {
                    isThere = isThere ? try cursor.next() : try cursor.first()
                    index = 0
                }
                var taken = 0
                walk: while isThere, RunNumber(of: cursor.key, width: width) == here {
                    guard let count = cursor.value.rowCount(ofWidth: width) else { return isSound = false }
                    for place in (index ?? cursor.value.firstIndex(notBelow: start, of: count))..<count {
                        let row: Row = cursor.value.row(place)
                        if row[0] != start[0] || taken == limit { break walk }
                        guard isWanted(row) else { continue }
                        body(row)
                        taken += 1
                    }
                    index = 0
                    isThere = try cursor.next()
                }
                run = here.next
            }
        }
        guard isSound else { throw damage }
    }

    /// Up to `limit` rows before `end` that begin with the same number and are wanted, descending.
    func rows(
        before end: Row, limit: Int, where isWanted: (Row) -> Bool = { _ in true }, _ reader: Reader
    ) throws(ProjectionFailure) -> [Row] {
        var found: [Row] = []
        var isSound = true
        try onStore { () throws(LMDBError) in
            var cursor = try reader.cursor(in: table)
            var run = RunNumber.least
            while try cursor.seek(atLeast: run.key.span.bytes) {
                guard let here = RunNumber(of: cursor.key, width: width) else { return isSound = false }
                let key = here.key(startingWith: end)
                var isThere = try cursor.seek(below: key.span.bytes)
                var taken = 0
                walk: while isThere, RunNumber(of: cursor.key, width: width) == here {
                    guard let count = cursor.value.rowCount(ofWidth: width) else { return isSound = false }
                    for place in (0..<cursor.value.firstIndex(notBelow: end, of: count)).reversed() {
                        let row: Row = cursor.value.row(place)
                        if row[0] != end[0] || taken == limit { break walk }
                        guard isWanted(row) else { continue }
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

    /// Calls `body` with all rows, run by run. Each must lie where a question looks for it: the sum of a chunk does not tell its order.
    func forEach(_ reader: Reader, _ body: (Row) -> Void) throws(ProjectionFailure) {
        var isSound = true
        try onStore { () throws(LMDBError) in
            var cursor = try reader.cursor(in: table)
            var (run, last): (RunNumber?, Row?) = (nil, nil)
            while try cursor.next() {
                guard let here = RunNumber(of: cursor.key, width: width),
                    let count = cursor.value.rowCount(ofWidth: width, under: cursor.key)
                else { return isSound = false }
                if here != run { (run, last) = (here, nil) }
                for index in 0..<count {
                    let row: Row = cursor.value.row(index)
                    if index == 0, !cursor.key.isOfChunk(startingWith: row) { return isSound = false }
                    if let last, !last.precedes(row) { return isSound = false }
                    last = row
                    body(row)
                }
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
                guard let run = RunNumber(of: cursor.key, width: width), let count = cursor.value.rowCount(ofWidth: width) else {
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

    /// A run's first chunk, or the one behind the chunk with a key; empty behind the last. Whole, or an error: what is read here is written
    /// again.
    fileprivate func chunk(
        of run: RunNumber, behind key: [UInt8]?, _ reader: Reader
    ) throws(ProjectionFailure) -> (key: [UInt8], rows: [Row]) {
        var (found, rows): ([UInt8], [Row]) = ([], [])
        var isSound = true
        try onStore { () throws(LMDBError) in
            var cursor = try reader.cursor(in: table)
            var isThere: Bool
            if let key {
                isThere = try cursor.seek(key.span.bytes)
                if isThere { isThere = try cursor.next() }
            } else {
                isThere = try cursor.seek(atLeast: run.key.span.bytes)
            }
            guard isThere, RunNumber(of: cursor.key, width: width) == run else { return }
            guard let count = cursor.value.rowCount(ofWidth: width, under: cursor.key) else { return isSound = false }
            found = cursor.key.withUnsafeBytes { [UInt8]($0) }
            rows.reserveCapacity(count)
            for index in 0..<count { rows.append(cursor.value.row(index)) }
        }
        guard isSound else { throw damage }
        return (found, rows)
    }

    // MARK: Writing

    /// So many runs of a level become one of the next, but for those with more rows than `growingRowsMax`: what is merged holds up the fold.
    private static var fanOut: Int { 8 }
    private static var growingRowsMax: Int { 3 << 16 }

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
        let growing = catalog.filter { $0.run.level == level && $0.rows <= Self.growingRowsMax }
        guard growing.count >= Self.fanOut, level < RunNumber.levelMax else { return nil }
        let inputs = growing.prefix(Self.fanOut)
        let rows = inputs.reduce(0) { $0 + $1.rows }
        let output = RunNumber(level: level + 1, behind: catalog.map(\.run))
        var merge = RunMerge(of: self, inputs.map(\.run))
        try merge.begin(transaction.reader)
        var chunk: [Row] = []
        var (last, written): (Row?, Int) = (nil, 0)
        while let row = merge.least {
            // Otherwise the runs are not what they were: nothing of them may be thrown away.
            if let last, !last.precedes(row) { throw damage }
            (last, written) = (row, written + 1)
            chunk.append(row)
            if chunk.count == Self.chunkRowsMax {
                try put(chunk[...], of: output, &transaction)
                chunk.removeAll(keepingCapacity: true)
            }
            try merge.advance(transaction.reader)
        }
        if !chunk.isEmpty { try put(chunk[...], of: output, &transaction) }
        guard written == rows else { throw damage }
        for input in inputs { try remove(input.run, &transaction) }
        let merged = Set(inputs.map(\.run))
        catalog.removeAll { merged.contains($0.run) }
        return (output, rows)
    }

    private func put(_ rows: ArraySlice<Row>, of run: RunNumber, _ transaction: inout WriteTransaction) throws(ProjectionFailure) {
        guard let first = rows.first else { return }
        try write(rows, under: run.key(startingWith: first), &transaction)
    }

    /// A chunk. Under what key, and in what order, is the caller's.
    func write(_ rows: ArraySlice<Row>, under key: [UInt64], _ transaction: inout WriteTransaction) throws(ProjectionFailure) {
        var words: [UInt64] = []
        words.reserveCapacity(rows.count * width + 1)
        for row in rows { for index in 0..<width { words.append(row[index].bigEndian) } }
        words.append(words.span.bytes.sum(under: key.span.bytes).bigEndian)
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
        guard try cursor.seek(atLeast: start.span.bytes), RunNumber(of: cursor.key, width: width) == run else { return nil }
        return cursor.key.withUnsafeBytes { [UInt8]($0) }
    }
}

/// The rows of several runs in one order.
private struct RunMerge<let width: Int> {
    private let runs: Runs<width>
    /// A heap by their next rows.
    private var inputs: [Input]

    private struct Input: MergeInput {
        var run: RunNumber
        var key: [UInt8]?
        var chunk: [Runs<width>.Row] = []
        var index = 0
        var row: Runs<width>.Row { chunk[index] }

        func precedes(_ other: Self) -> Bool { row.precedes(other.row) }
    }

    init(of runs: Runs<width>, _ numbers: [RunNumber]) {
        self.runs = runs
        inputs = numbers.map { Input(run: $0) }
    }

    mutating func begin(_ reader: Reader) throws(ProjectionFailure) {
        for index in inputs.indices { try fetch(index, reader) }
        inputs = Array(heapOf: inputs.filter { !$0.chunk.isEmpty })
    }

    var least: Runs<width>.Row? { inputs.first?.row }

    /// Leaves the least row behind.
    mutating func advance(_ reader: Reader) throws(ProjectionFailure) {
        inputs[0].index += 1
        if inputs[0].index == inputs[0].chunk.count { try fetch(0, reader) }
        inputs.settleFirst(isThrough: inputs[0].chunk.isEmpty)
    }

    private mutating func fetch(_ input: Int, _ reader: Reader) throws(ProjectionFailure) {
        let (key, rows) = try runs.chunk(of: inputs[input].run, behind: inputs[input].key, reader)
        inputs[input].key = key
        inputs[input].chunk = rows
        inputs[input].index = 0
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

    /// The same, if the sum at its end is that of key and rows.
    fileprivate func rowCount(ofWidth width: Int, under key: RawSpan) -> Int? {
        guard let count = rowCount(ofWidth: width), word(count * width) == extracting(first: count * width * 8).sum(under: key) else {
            return nil
        }
        return count
    }

    fileprivate func row<let width: Int>(_ index: Int) -> InlineArray<width, UInt64> {
        InlineArray { word in
            UInt64(bigEndian: unsafe unsafeLoadUnaligned(fromByteOffset: (index * width + word) * 8, as: UInt64.self))
        }
    }

    /// Whether a chunk's key names the row that it begins with.
    fileprivate func isOfChunk<let width: Int>(startingWith row: InlineArray<width, UInt64>) -> Bool {
        row.indices.allSatisfy { word($0 + 1) == row[$0] }
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
}

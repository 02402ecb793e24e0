import Events
import LMDB

/// Rows of names and what is counted under them, as sorted runs that add up.
///
/// What a fold brings becomes a run of its own, as in `Runs`; a purge that moves messages to another key brings a run that takes away.
/// What is counted is the sum over all runs. When eight runs of a level are there, they are merged to one of the next; those that have
/// grown beyond a bound stay as they are.
///
/// Runs are kept for each key apart, so that they go with it. A run lies in chunks. Key: key (u64), run (u64, see `RunNumber`), number of the
/// chunk (u64). Value: rows in order of their names, and XXH3-64 of key and rows. A row leaves out what its names share with the row
/// before: length shared (varint), length of the rest (varint), rest, messages (varint, zigzag), bytes (varint, zigzag), length of the time
/// from first to last plus one (varint; 0 in a row that only takes away), and unless that is 0 the first (varint, zigzag).
struct HoldingRuns: Sendable {
    let table: Table
    let path: String

    init(in environment: Environment) {
        table = environment.table(named: "holdings")
        path = environment.path
    }

    private static let fanOut = 8
    private static let growingBytesMax = 1 << 20

    private var damage: ProjectionFailure { .damaged(path: path, table: "holdings") }

    // MARK: Reading

    /// The keys under which anything was counted, ascending: few, so it is gone from one to the next.
    func keys(_ reader: Reader) throws(ProjectionFailure) -> [UInt64] {
        var keys: [UInt64] = []
        var isSound = true
        try onStore { () throws(LMDBError) in
            var cursor = try reader.cursor(in: table)
            var isThere = try cursor.first()
            while isThere {
                guard let place = HoldingPlace(cursor.key) else { return isSound = false }
                keys.append(place.key)
                let next: Words<1> = [(place.key &+ 1).bigEndian]
                isThere = place.key < .max ? try cursor.seek(atLeast: next.span.bytes) : false
            }
        }
        guard isSound else { throw damage }
        return keys
    }

    /// Calls `body` with the sums under a key that are not zero, in order of their names.
    func forEach(
        of key: UInt64, _ reader: Reader, _ body: (HoldingRow) throws(ProjectionFailure) -> Void
    ) throws(ProjectionFailure) {
        var merge = HoldingMerge(of: self, key, try catalog(of: key, reader).map(\.run))
        try merge.begin(reader)
        while let row = try merge.next(reader) {
            if row.count.isZero { continue }
            guard row.count.isPresent else { throw damage }
            try body(row)
        }
    }

    private func catalog(of key: UInt64, _ reader: Reader) throws(ProjectionFailure) -> [(run: RunNumber, bytes: Int)] {
        var runs: [(run: RunNumber, bytes: Int)] = []
        var next: UInt64 = 0
        var isSound = true
        try onStore { () throws(LMDBError) in
            var cursor = try reader.cursor(in: table)
            let start: Words<1> = [key.bigEndian]
            var isThere = try cursor.seek(atLeast: start.span.bytes)
            while isThere {
                guard let place = HoldingPlace(cursor.key) else { return isSound = false }
                if place.key != key { return }
                if runs.last?.run != place.run {
                    runs.append((place.run, 0))
                    next = 0
                }
                guard place.chunk == next else { return isSound = false }
                next += 1
                runs[runs.count - 1].bytes += cursor.value.byteCount
                isThere = try cursor.next()
            }
        }
        guard isSound else { throw damage }
        return runs
    }

    /// The rows of a chunk as they lie there; nil behind the last.
    func chunk(_ place: HoldingPlace, _ reader: Reader) throws(ProjectionFailure) -> [UInt8]? {
        let key = place.words
        let found = try onStore { () throws(LMDBError) in
            try reader.lend(key.span.bytes, in: table) { value in
                value.content(under: key.span.bytes).map { length in value.withUnsafeBytes { [UInt8]($0.prefix(length)) } }
            }
        }
        guard let found else { return nil }
        guard let rows = found else { throw damage }
        return rows
    }

    // MARK: Writing

    /// Adds rows in any order.
    func add(_ rows: [HoldingRow], _ transaction: inout WriteTransaction) throws(ProjectionFailure) {
        let sorted = rows.sorted { $0.names.precedes($1.names) }
        var start = 0
        while start < sorted.count {
            let key = sorted[start].key
            let end = sorted[start...].firstIndex { $0.key != key } ?? sorted.count
            try add(sorted[start..<end], of: key, &transaction)
            start = end
        }
    }

    private func add(
        _ rows: ArraySlice<HoldingRow>, of key: UInt64, _ transaction: inout WriteTransaction
    ) throws(ProjectionFailure) {
        var catalog = try catalog(of: key, transaction.reader)
        var output = HoldingOutput(key, RunNumber(level: 0, behind: catalog.map(\.run)))
        var sum: HoldingRow?
        for row in rows {
            if sum?.names == row.names {
                sum?.count.add(row.count)
            } else {
                if let sum { try output.append(sum, to: self, &transaction) }
                sum = row
            }
        }
        if let sum { try output.append(sum, to: self, &transaction) }
        try output.finish(self, &transaction)
        catalog.append((output.run, output.written))
        var level = 0
        while let merged = try merge(level, of: key, &catalog, &transaction) {
            catalog.append(merged)
            level += 1
        }
    }

    /// Merges the runs of a level to one of the next, if it is time.
    private func merge(
        _ level: Int, of key: UInt64, _ catalog: inout [(run: RunNumber, bytes: Int)], _ transaction: inout WriteTransaction
    ) throws(ProjectionFailure) -> (run: RunNumber, bytes: Int)? {
        let growing = catalog.filter { $0.run.level == level && $0.bytes <= Self.growingBytesMax }
        guard growing.count >= Self.fanOut, level < RunNumber.levelMax else { return nil }
        let inputs = growing.prefix(Self.fanOut).map(\.run)
        var output = HoldingOutput(key, RunNumber(level: level + 1, behind: catalog.map(\.run)))
        var merge = HoldingMerge(of: self, key, inputs)
        try merge.begin(transaction.reader)
        while let row = try merge.next(transaction.reader) { try output.append(row, to: self, &transaction) }
        try output.finish(self, &transaction)
        for run in inputs { try remove(HoldingPlace(key: key, run: run), &transaction) }
        catalog.removeAll { inputs.contains($0.run) }
        return (output.run, output.written)
    }

    func put(_ chunk: [UInt8], at place: HoldingPlace, _ transaction: inout WriteTransaction) throws(ProjectionFailure) {
        let key = place.words
        var value = chunk
        withUnsafeBytes(of: value.span.bytes.sum(under: key.span.bytes).bigEndian) { value += $0 }
        do { try transaction.put(value.span.bytes, for: key.span.bytes, in: table) } catch { throw .store(error) }
    }

    /// The chunks of a run, from one on.
    private func remove(_ first: HoldingPlace, _ transaction: inout WriteTransaction) throws(ProjectionFailure) {
        var place = first
        do {
            while try transaction.delete(place.words.span.bytes, in: table) { place.chunk += 1 }
        } catch { throw .store(error) }
    }

    /// Forgets all that is counted under a key.
    func remove(_ key: UInt64, _ transaction: inout WriteTransaction) throws(ProjectionFailure) {
        for (run, _) in try catalog(of: key, transaction.reader) { try remove(HoldingPlace(key: key, run: run), &transaction) }
    }
}

/// Names with the key before them, and what is counted.
struct HoldingRow {
    /// Key (u64), tenant, 0, conversation, 0, sender, 0.
    var names: [UInt8]
    var count: HoldingCount

    var key: UInt64 { names.span.bytes.word(0) ?? 0 }
}

/// Messages that came, or that went.
struct HoldingCount {
    var messages: Int64
    var bytes: Int64
    /// The times of those that came; nil if none did.
    var times: ClosedRange<Int64>?

    /// Whether it can be of what is there.
    var isPresent: Bool { messages > 0 && bytes >= 0 && times != nil }
    /// Whether it adds up to nothing: of a whole sum, that nothing is there.
    var isZero: Bool { messages == 0 && bytes == 0 }
    /// Whether it changes no sum that it is added to. What came and what went of another run may be as many messages of as many bytes, and
    /// not the same ones: the times of what came must stay, or what is left would have those of what went.
    var isNothing: Bool { isZero && times == nil }

    /// Whose times remain is not known when some went, so the bounds stay. What a disk says may be anything, so the sums wrap.
    mutating func add(_ other: HoldingCount) {
        messages &+= other.messages
        bytes &+= other.bytes
        guard let its = other.times else { return }
        let mine = times ?? its
        times = min(mine.lowerBound, its.lowerBound)...max(mine.upperBound, its.upperBound)
    }
}

/// Where a chunk lies.
struct HoldingPlace {
    var key: UInt64
    var run: RunNumber
    var chunk: UInt64 = 0

    init(key: UInt64, run: RunNumber) {
        self.key = key
        self.run = run
    }

    /// Nil for a key that no chunk can have.
    init?(_ key: RawSpan) {
        guard key.byteCount == 24, let number = key.word(0), let word = key.word(1), let run = RunNumber(word), let chunk = key.word(2),
            chunk < .max
        else { return nil }
        self.init(key: number, run: run)
        self.chunk = chunk
    }

    var words: Words<3> { [key.bigEndian, run.rawValue.bigEndian, chunk.bigEndian] }
}

/// The sums of several runs, in order of their names.
private struct HoldingMerge {
    private let runs: HoldingRuns
    /// A heap by their next names.
    private var inputs: [HoldingInput]
    private var last: [UInt8]

    init(of runs: HoldingRuns, _ key: UInt64, _ numbers: [RunNumber]) {
        self.runs = runs
        last = NamedKey(key).bytes
        inputs = numbers.map { HoldingInput(of: runs, HoldingPlace(key: key, run: $0)) }
    }

    mutating func begin(_ reader: Reader) throws(ProjectionFailure) {
        var begun: [HoldingInput] = []
        for var input in inputs where try input.advance(reader) { begun.append(input) }
        inputs = Array(heapOf: begun)
    }

    mutating func next(_ reader: Reader) throws(ProjectionFailure) -> HoldingRow? {
        guard let first = inputs.first else { return nil }
        var row = HoldingRow(names: first.names, count: first.count)
        // Otherwise the runs are not what they were: nothing of them may be thrown away.
        guard last.precedes(row.names) else { throw .damaged(path: runs.path, table: "holdings") }
        try advance(reader)
        while let other = inputs.first, other.names == row.names {
            row.count.add(other.count)
            try advance(reader)
        }
        last = row.names
        return row
    }

    private mutating func advance(_ reader: Reader) throws(ProjectionFailure) {
        let isThere = try inputs[0].advance(reader)
        inputs.settleFirst(isThrough: !isThere)
    }
}

extension RawSpan {
    /// The length of a chunk's rows, if the sum behind them is that of key and rows.
    fileprivate func content(under key: RawSpan) -> Int? {
        let length = byteCount - 8
        guard length > 0, word(atByte: length) == extracting(first: length).sum(under: key) else { return nil }
        return length
    }
}

import Events
import LMDB

/// A run that is being written.
struct HoldingOutput {
    private var place: HoldingPlace
    private var chunk: [UInt8] = []
    private var last: [UInt8]
    private let start: [UInt8]
    /// So many bytes.
    private(set) var written = 0

    /// Eight pages of LMDB's, without its header and the sum.
    private static let chunkBytesMax = 8 * 4096 - 16 - 8
    /// All numbers of a row.
    private static let numbersBytesMax = 6 * Varint.bytesMax

    init(_ key: UInt64, _ run: RunNumber) {
        place = HoldingPlace(key: key, run: run)
        start = NamedKey(key).bytes
        last = start
    }

    var run: RunNumber { place.run }

    mutating func append(_ row: HoldingRow, to runs: HoldingRuns, _ transaction: inout WriteTransaction) throws(ProjectionFailure) {
        if row.count.isNothing { return }
        if chunk.count + row.names.count + Self.numbersBytesMax > Self.chunkBytesMax { try finish(runs, &transaction) }
        let shared = row.names.sharedLength(with: last)
        Varint.append(UInt64(shared), to: &chunk)
        Varint.append(UInt64(row.names.count - shared), to: &chunk)
        chunk += row.names[shared...]
        Varint.append(zigzag: row.count.messages, to: &chunk)
        Varint.append(zigzag: row.count.bytes, to: &chunk)
        if let times = row.count.times {
            Varint.append(UInt64(bitPattern: times.upperBound &- times.lowerBound) &+ 1, to: &chunk)
            Varint.append(zigzag: times.lowerBound, to: &chunk)
        } else {
            Varint.append(0, to: &chunk)
        }
        last.removeSubrange(shared...)
        last += row.names[shared...]
    }

    /// Writes what is left.
    mutating func finish(_ runs: HoldingRuns, _ transaction: inout WriteTransaction) throws(ProjectionFailure) {
        if chunk.isEmpty { return }
        try runs.put(chunk, at: place, &transaction)
        written += chunk.count
        place.chunk += 1
        chunk.removeAll(keepingCapacity: true)
        last = start
    }
}

/// A run that is being read.
struct HoldingInput: MergeInput {
    private let runs: HoldingRuns
    private var place: HoldingPlace
    private var chunk: [UInt8] = []
    private var offset = 0
    private let start: [UInt8]
    private(set) var names: [UInt8]
    private(set) var count = HoldingCount(messages: 0, bytes: 0)

    init(of runs: HoldingRuns, _ place: HoldingPlace) {
        self.runs = runs
        self.place = place
        start = NamedKey(place.key).bytes
        names = start
    }

    func precedes(_ other: Self) -> Bool { names.precedes(other.names) }

    /// Goes to the next row; false behind the last.
    mutating func advance(_ reader: Reader) throws(ProjectionFailure) -> Bool {
        if offset == chunk.count {
            guard let next = try runs.chunk(place, reader) else { return false }
            (chunk, offset, names) = (next, 0, start)
            place.chunk += 1
        }
        guard take() else { throw .damaged(path: runs.path, table: "holdings") }
        return true
    }

    /// Takes a row apart, whatever the bytes are; false if they are none.
    private mutating func take() -> Bool {
        guard let shared = Varint.take(from: chunk, &offset), shared <= UInt64(names.count), shared >= UInt64(start.count),
            let rest = Varint.take(from: chunk, &offset), rest > 0, rest <= UInt64(chunk.count - offset),
            names.count == shared || names[Int(shared)] < chunk[offset]  // in order
        else { return false }
        names.removeSubrange(Int(shared)...)
        names += chunk[offset..<(offset + Int(rest))]
        offset += Int(rest)
        guard let messages = Varint.takeZigzag(from: chunk, &offset), let bytes = Varint.takeZigzag(from: chunk, &offset),
            let length = Varint.take(from: chunk, &offset)
        else { return false }
        count = HoldingCount(messages: messages, bytes: bytes)
        if length == 0 { return true }
        guard let first = Varint.takeZigzag(from: chunk, &offset), length - 1 <= UInt64(Int64.max) else { return false }
        let (last, isTooMuch) = first.addingReportingOverflow(Int64(length - 1))
        guard !isTooMuch, Instant(milliseconds: first).isWritable, Instant(milliseconds: last).isWritable else { return false }
        count.times = first...last
        return true
    }
}

extension [UInt8] {
    fileprivate func sharedLength(with other: [UInt8]) -> Int {
        var length = 0
        while length < Swift.min(count, other.count), self[length] == other[length] { length += 1 }
        return length
    }
}

package import Events
package import LMDB

/// A run of consecutive positions that lie in one partition.
package struct Extent: Hashable, Sendable {
    package var first: Position
    package var last: Position
    package var partition: PartitionID

    package init(first: Position, last: Position, partition: PartitionID) {
        self.first = first
        self.last = last
        self.partition = partition
    }
}

extension [Extent] {
    /// With neighbours of one partition as one.
    package var joined: [Extent] {
        reduce(into: []) { runs, extent in
            if let last = runs.last, last.last.next == extent.first, last.partition == extent.partition {
                runs[runs.count - 1].last = extent.last
            } else {
                runs.append(extent)
            }
        }
    }

    /// What of them lies up to a position.
    package func clipped(to end: Position) -> [Extent] {
        filter { $0.first <= end }.map { Extent(first: $0.first, last: Swift.min($0.last, end), partition: $0.partition) }
    }

    /// The run that holds a position, of runs that ascend and do not overlap.
    package func run(of position: Position) -> Extent? {
        let place = partitioningIndex { $0.last >= position }
        return place < count && self[place].first <= position ? self[place] : nil
    }
}

/// Says in which partition a position lies. A table of the state file, rebuilt by looking at the partitions.
///
/// Key: first position. Value: last position (u64), partition (u64). Extents touch, and never overlap.
package struct Extents: Sendable {
    package static let tableName = "extents"
    private let table: Table
    private let path: String

    package init(in environment: Environment) {
        table = environment.table(named: Self.tableName)
        path = environment.path
    }

    /// The extent that holds a position, or the next one behind it.
    package func find(atOrAfter position: Position, _ reader: Reader) throws(LedgerFailure) -> Extent? {
        // A record may name any position as another event's.
        guard position < .last else { return nil }
        let found = try onStore { () throws(LMDBError) in
            var cursor = try reader.cursor(in: table)
            if try cursor.seek(below: position.next.key.span.bytes) {
                let extent = Self.parse(cursor.key, cursor.value)
                if extent.map({ $0.last >= position }) ?? true { return Row.found(extent) }
            }
            return try cursor.seek(atLeast: position.next.key.span.bytes) ? Row.found(Self.parse(cursor.key, cursor.value)) : .none
        }
        return try found.extent(orThrow: damaged())
    }

    /// A row that was looked for: there or not, readable or not.
    private enum Row {
        case none
        case found(Extent?)

        func extent(orThrow failure: LedgerFailure) throws(LedgerFailure) -> Extent? {
            guard case .found(let extent) = self else { return nil }
            guard let extent else { throw failure }
            return extent
        }
    }

    /// Calls `body` with all of them, in order.
    package func forEach(_ reader: Reader, _ body: (Extent) throws -> Void) throws {
        var cursor = try reader.cursor(in: table)
        while try cursor.next() {
            guard let extent = Self.parse(cursor.key, cursor.value) else { throw damaged() }
            try body(extent)
        }
    }

    /// Adds an extent behind the last one, or makes that one longer.
    package func append(_ extent: Extent, _ transaction: inout WriteTransaction) throws(LedgerFailure) {
        var grown = extent
        if let last = try last(transaction.reader) {
            guard last.last.next == extent.first else {
                throw .damaged(path: path, table: Self.tableName, reason: "\(extent.first) does not follow \(last.last)")
            }
            if last.partition == extent.partition { grown.first = last.first }
        }
        let value: Words<2> = [grown.last.rawValue.bigEndian, UInt64(UInt32(bitPattern: grown.partition.number)).bigEndian]
        let key = grown.first.key
        do { try transaction.put(value.span.bytes, for: key.span.bytes, in: table) } catch { throw .store(error) }
    }

    package func last(_ reader: Reader) throws(LedgerFailure) -> Extent? {
        let found = try onStore { () throws(LMDBError) in
            var cursor = try reader.cursor(in: table)
            return try cursor.last() ? Row.found(Self.parse(cursor.key, cursor.value)) : .none
        }
        return try found.extent(orThrow: damaged())
    }

    private static func parse(_ key: RawSpan, _ value: RawSpan) -> Extent? {
        guard key.byteCount == 8, value.byteCount == 16, let first = key.word(0), let last = value.word(0),
            let partition = value.word(1), let number = UInt32(exactly: partition), first > 0, last >= first, last <= Int64.max
        else { return nil }
        return Extent(first: Position(first), last: Position(last), partition: PartitionID(Int32(bitPattern: number)))
    }

    private func damaged() -> LedgerFailure {
        .damaged(path: path, table: Self.tableName, reason: "a row makes no sense")
    }
}

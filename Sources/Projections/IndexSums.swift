package import LMDB

/// What the indexes of a partition add up to: those on disk, or those that its records would make.
package struct IndexSums: Hashable, Sendable {
    package var ids = RowSum()
    package var timeline = RowSum()
    package var counts = RowSum()

    package init() {}

    package mutating func add(_ rows: [PartitionIndex.Row]) {
        for row in rows {
            ids.add(IDKey(fingerprint: row.message, position: row.position).row)
            if let place = row.timelineKey?.row { timeline.add(place) }
        }
    }

    /// All that a conversation gained, and each conversation once.
    package mutating func add(_ gain: ConversationGain) {
        let key = gain.key.bytes
        let value: Words<2> = [gain.messages.bigEndian, gain.bodyBytes.bigEndian]
        counts.add(key.span.bytes, value.span.bytes)
    }

    package static func += (sums: inout IndexSums, others: IndexSums) {
        sums.ids += others.ids
        sums.timeline += others.timeline
        sums.counts += others.counts
    }

    /// The names of the tables in which two differ.
    package func differences(from other: IndexSums) -> [String] {
        [("ids", ids == other.ids), ("timeline", timeline == other.timeline), ("counts", counts == other.counts)]
            .filter { !$0.1 }.map(\.0)
    }
}

extension PartitionIndex {
    /// Of the tables as they are, if every chunk of a run is whole.
    package func sums(_ reader: Reader) throws(ProjectionFailure) -> IndexSums {
        var sums = IndexSums()
        try ids.forEach(reader) { sums.ids.add($0) }
        try timeline.forEach(reader) { sums.timeline.add($0) }
        try onStore { () throws(LMDBError) in
            var cursor = try reader.cursor(in: counts)
            while try cursor.next() { sums.counts.add(cursor.key, cursor.value) }
        }
        return sums
    }
}

import Events
import LMDB
import Ledger
import Projections

extension Archive {
    /// The events from a position on, up to a number of them, of all tenants or of one.
    package func events(_ question: EventsQuestion) throws(ArchiveFailure) -> EventsPage {
        let view = LogView(core)
        var page = EventsPage(events: [], next: max(question.from, .first))
        var visits = 0
        var slices = 0
        var bytes = 0
        while page.events.count < question.count, page.next <= view.tail.end, visits < Self.visitsMax, slices < Self.slicesMax,
            bytes < Self.bytesMax
        {
            let slice = try view.slice(from: page.next, atMost: min(Self.sliceMax, question.count - page.events.count))
            guard slice.next > page.next else { break }
            visits += slice.events.count
            slices += 1
            let wanted = question.tenant == nil ? slice.events : slice.events.filter { $0.tenant == question.tenant }
            page.events += wanted
            bytes += wanted.reduce(0) { $0 + $1.weight }
            page.next = slice.next
        }
        return page
    }

    /// So many events are read under one snapshot. Longer ones would keep pages from being used again.
    private static let sliceMax = 250
    /// About so many bytes of events are given at once.
    private static let bytesMax = 4 << 20
    /// So many are looked at for one answer when most are of other tenants.
    private static let visitsMax = 200_000
    /// So many runs of positions: an unsorted import makes one an event, each in another partition.
    private static let slicesMax = 5_000
}

extension Event {
    /// About what the event takes in memory: local deletes of many messages are the long ones.
    fileprivate var weight: Int {
        guard case .localDelete(let deletion) = deed, case .messages(let targets) = deletion.extent else { return 512 }
        return 512 + targets.count * 96
    }
}

/// Events that lie together, and where those behind them begin. What has left the log is passed over.
private struct EventsSlice {
    var events: [Event]
    var next: Position
}

extension LogView {
    fileprivate func slice(from position: Position, atMost count: Int) throws(ArchiveFailure) -> EventsSlice {
        if let (batch, index) = tail.find(position) {
            let range = index..<min(batch.entries.count, index + max(count, 1))
            do {
                let events = try range.map { (index) throws(TrailFault) in
                    try batch.withTrail(at: index) { (record) throws(TrailFault) in try Event(decoding: record) }
                }
                return EventsSlice(events: events, next: batch.position(at: range.upperBound - 1).next)
            } catch { throw .damaged(place: "the journal", error) }
        }
        let slice = try store.slice(from: position, through: tail.end, atMost: max(count, 1))
        var block: UInt64?
        for event in slice.events where event.position.block != block {
            try store.vouch(for: event.position)
            block = event.position.block
        }
        return slice
    }
}

extension Store {
    fileprivate func slice(from position: Position, through end: Position, atMost count: Int) throws(ArchiveFailure) -> EventsSlice {
        do {
            guard let extent = try extent(of: position) else { return EventsSlice(events: [], next: position) }
            switch try whereabouts(of: position, in: extent.partition, asFarAsItGoes: true) {
            case .tombstone(let stone, let run): return try stone.slice(from: position, through: min(run.last, end), atMost: count)
            case .partition(let lease): return try lease.partition.slice(from: position, through: min(extent.last, end), atMost: count)
            }
        } catch { throw ArchiveFailure(error) }
    }
}

extension Partition {
    fileprivate func slice(from position: Position, through last: Position, atMost count: Int) throws -> EventsSlice {
        try environment.read { reader in
            var cursor = try reader.cursor(in: trail)
            var events: [Event] = []
            let key = position.key
            var isThere = try cursor.seek(atLeast: key.span.bytes)
            while isThere, events.count < count {
                let expected = events.last?.position.next ?? position
                let event: Event
                do { event = try cursor.value.withUnsafeBytes { try Event(decoding: $0) } } catch let fault as TrailFault {
                    throw ArchiveFailure.damaged(place: "\(environment.path), the record at \(expected),", fault)
                }
                guard event.position.rawValue == cursor.key.word(0), event.position == expected || event.position > last else { break }
                guard event.position <= last else { break }
                events.append(event)
                isThere = try cursor.next()
            }
            let next = events.last?.position.next ?? position
            // An extent has no hole: whatever is missing here was there.
            guard next > last || events.count == count else {
                throw ArchiveFailure.lacks(next, in: environment)
            }
            return EventsSlice(events: events, next: next)
        }
    }
}

extension Tombstone {
    /// What stays of a run.
    fileprivate func slice(from position: Position, through last: Position, atMost count: Int) throws(TrailFault) -> EventsSlice {
        let here = kept(in: position...last)
        let events = try here.prefix(count).map { (one) throws(TrailFault) in try Event(decoding: one.record) }
        return EventsSlice(events: events, next: here.count > count ? events.last?.position.next ?? position : last.next)
    }
}

@testable import Events

/// Trail records.
///
/// Promises: what can be read has one spelling, and is written as it was read; its fields, read one by one, are the same.
enum Records {
    static func run(_ input: Input) {
        let record = input.rest
        guard let event = attempt({ try Event(decoding: record) }) else {
            // Whoever only wants the fields meets the same bytes.
            if let fields = attempt({ try TrailFields(parsing: record) }) { look(at: fields, of: record) }
            return
        }
        promise(event.encoded() == [UInt8](record), "\(event) is written otherwise: \(event.encoded())")
        guard let fields = attempt({ try TrailFields(parsing: record) }) else { return promise(false, "\(event) has no fields") }
        promise(fields.position == event.position && fields.at == event.at && fields.kind == event.kind, "\(fields) are not of \(event)")
        promise(fields.imported == event.imported && fields.principal == event.principal, "\(fields) are not of \(event)")
        promise([UInt8](fields.tenant.bytes(in: record)) == event.tenant?.utf8 ?? [], "\(fields) have another tenant than \(event)")
        look(at: fields, of: record)
        look(at: event)
    }

    private static func look(at fields: TrailFields, of record: UnsafeRawBufferPointer) {
        guard fields.kind == .send, let send = attempt({ try SendFields(of: fields, in: record) }) else { return }
        let places = [send.conversation, send.sender, send.messageID, send.contentType, send.commitment, fields.tenant]
        for place in places { _ = place.bytes(in: record).reduce(0) { Int($0) &+ Int($1) } }
    }

    /// What the rest of the program asks an event that it read.
    private static func look(at event: Event) {
        _ = (event.recorded.description, event.at.description, event.conversation)
        switch event.deed {
        case .retentionChange(let change):
            guard case .keep(let period) = change.rule else { return }
            look(at: period, event.at)
        case .partitionRemove(let removal): look(at: removal.period, event.at)
        case .purgeIntent(let intent): _ = (intent.messages, intent.bytes, intent.keyCount, intent.partitions)
        case .holdPlace(let hold):
            let all = Coverage.everything
            promise(all.contains(hold.coverage), "\(hold.coverage) is more than everything")
            promise(hold.coverage.contains(hold.coverage), "\(hold.coverage) is more than itself")
            promise(hold.coverage.isEmpty || hold.coverage.mayOverlap(all), "\(hold.coverage) has nothing of everything")
        default: break
        }
    }

    private static func look(at period: Period, _ start: Instant) {
        let end = period.end(from: start)
        promise(end.map { $0 > start || $0 == .distantFuture } ?? (period == .forever), "\(period) from \(start) ends at \(end as Any)")
        promise(period.isNeverShorter(than: period), "\(period) is shorter than itself")
        promise(Period(text: period.description) == period, "\(period) is read as \(Period(text: period.description) as Any)")
    }
}

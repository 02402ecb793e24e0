package import AnnalsClient

/// Brings the lines of a source to the daemon, in their order, some hundred at a time.
///
/// A class, because Swift 6.3 cannot yet check `async let` beside a reader that must not be copied.
/// While one shipment is on its way the next is read and parsed; it is sent only after the one before is settled.
package final class Importer {
    /// How an import ended: what became of the lines, and what stopped it before its end, if anything did.
    package struct Ending: Sendable {
        package var tally: ImportTally
        package var trouble: Trouble?

        package init(tally: ImportTally, trouble: Trouble?) {
            self.tally = tally
            self.trouble = trouble
        }
    }

    private var reader: LineReader
    private let client: AnnalsClient?
    private let isStopped: @Sendable () -> Bool
    private var tally = ImportTally()
    private var rejects: Rejects?

    /// Without a client, lines are read and counted as if all were new, and nothing is sent.
    package init(
        _ reader: consuming LineReader, client: AnnalsClient?, rejects: consuming Rejects?, isStopped: @escaping @Sendable () -> Bool
    ) {
        self.reader = reader
        self.client = client
        self.rejects = rejects
        self.isStopped = isStopped
    }

    /// Imports all there is. `onProgress` is called after every shipment, with the bytes read and the lines counted so far.
    package func run(
        onProgress: (_ consumed: Int64, _ size: Int64?, _ tally: ImportTally) -> Void
    ) async -> Ending {
        let (client, isStopped) = (client, isStopped)
        var (next, trouble) = load()
        while !next.isEmpty {
            async let delivered = Self.deliver(next, through: client, isStopped: isStopped)
            var following = Shipment()
            // A slow pipe's lines are sent as they come; nothing waits for it while answers are awaited.
            if trouble == nil, !reader.wouldWait() { (following, trouble) = load() }
            let (shipment, deliveryTrouble) = await delivered
            let noteTrouble = note(shipment)
            trouble = deliveryTrouble ?? noteTrouble ?? trouble
            let (consumed, size) = reader.progress
            onProgress(consumed, size, tally)
            if trouble == nil, following.isEmpty { (following, trouble) = load() }
            next = deliveryTrouble == nil && noteTrouble == nil ? following : Shipment()
        }
        return Ending(tally: tally, trouble: trouble ?? (isStopped() ? Self.interruption : nil))
    }

    fileprivate static let interruption = Trouble(.interrupted, "interrupted")

    /// The next lines.
    private func load() -> (Shipment, Trouble?) {
        var shipment = Shipment()
        do throws(Trouble) {
            while !shipment.isFull, shipment.isEmpty || !reader.wouldWait(), let line = try reader.next() {
                shipment.add(line, ImportLine(line))
            }
            return (shipment, nil)
        } catch {
            return (shipment, error)
        }
    }

    private func note(_ shipment: Shipment) -> Trouble? {
        for (line, outcome) in shipment.settled {
            switch outcome {
            case .appended(let kind): tally.accept(kind)
            case .present: tally.notePresent()
            case .refused(let reason, let detail):
                tally.refuse(reason)
                rejects?.add(line, reason: reason, detail: detail)
            }
        }
        return flush()
    }

    private func flush() -> Trouble? {
        do throws(Trouble) {
            try rejects?.flush()
            return nil
        } catch {
            return error
        }
    }

    // MARK: The way to the daemon

    private static func deliver(
        _ shipment: Shipment, through client: AnnalsClient?, isStopped: @Sendable () -> Bool
    ) async -> (Shipment, Trouble?) {
        var shipment = shipment
        do throws(Trouble) {
            try await deliver(&shipment, through: client, isStopped: isStopped)
            return (shipment, nil)
        } catch {
            return (shipment, error)
        }
    }

    private static func deliver(
        _ shipment: inout Shipment, through client: AnnalsClient?, isStopped: @Sendable () -> Bool
    ) async throws(Trouble) {
        guard let client else { return try shipment.settle(shipment.unsettled.map { _ in .array([.null, .simple("appended")]) }) }
        var patience = Patience()
        while !shipment.isSettled {
            let waiting = shipment.unsettled
            try shipment.settle(try await client.ask(all: waiting))
            if shipment.isSettled { return }
            // What is behind the unsettled lines must not be sent without them.
            if isStopped() { throw interruption }
            try await patience.pause(hasProgressed: shipment.unsettled.count < waiting.count)
        }
    }
}

/// Pauses that grow while the daemon is busy, up to a point.
private struct Patience {
    private var milliseconds = Patience.first
    private var waited = 0

    private static let first = 10
    private static let longest = 1000
    private static let limit = 120_000

    mutating func pause(hasProgressed: Bool) async throws(Trouble) {
        if hasProgressed { self = Patience() }
        guard waited < Self.limit else {
            throw Trouble(.failed, "the daemon has been BUSY for \(Self.limit / 1000) s")
        }
        do {
            try await Task.sleep(for: .milliseconds(milliseconds))
        } catch {
            throw Importer.interruption
        }
        waited += milliseconds
        milliseconds = min(milliseconds * 2, Self.longest)
    }
}

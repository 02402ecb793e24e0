import Events
import Journal
import Synchronization

/// The newest events: journaled and answered, not yet folded. Every read sees them together with the partitions.
///
/// The appender adds at the end, the fold takes away at the front, readers take a view; each holds the lock for
/// the copy of one array reference.
final class Tail: Sendable {
    private let state = Mutex(State())

    private struct State {
        var batches: [Batch] = []
        var bytes = 0
        var end = Position.none
        var recorded = Instant.distantPast
        var folded: SequenceNumber?
    }

    /// - Parameters:
    ///   - end: the position that the log ended at before anything is published.
    ///   - recorded: the server's time of that event.
    init(end: Position, recorded: Instant) {
        state.withLock { state in
            state.end = end
            state.recorded = recorded
        }
    }

    var end: Position { state.withLock { $0.end } }
    var bytes: Int { state.withLock { $0.bytes } }
    var isEmpty: Bool { state.withLock { $0.batches.isEmpty } }
    /// The last journal record whose events are all folded.
    var foldedSequence: SequenceNumber? { state.withLock { $0.folded } }

    /// Adds a batch that is on disk. `recorded` is the server's time of its last event.
    /// Returns the bytes that wait for the fold now.
    func publish(_ batch: Batch, recorded: Instant) -> Int {
        state.withLock { state in
            precondition(batch.first == state.end.next, "a batch must begin behind the last one because positions have no gaps")
            state.batches.append(batch)
            state.bytes += batch.bytes
            state.end = batch.last
            state.recorded = max(state.recorded, recorded)
            return state.bytes
        }
    }

    /// Forgets what is folded.
    func drop(through position: Position) {
        state.withLock { state in
            let count = state.batches.prefix { $0.last <= position }.count
            for batch in state.batches.prefix(count) { state.bytes -= batch.bytes }
            if count > 0 { state.folded = state.batches[count - 1].record.sequence }
            state.batches.removeFirst(count)
        }
    }

    func view() -> TailView { state.withLock { TailView(batches: $0.batches, end: $0.end, recorded: $0.recorded) } }
}

/// The tail at one moment.
///
/// Take it before any snapshot of a partition: what is folded in between is then seen twice, and dropped once, by position.
/// The other way round it would not be seen at all.
struct TailView: Sendable {
    let batches: [Batch]
    let end: Position
    /// The server's time of the last event.
    let recorded: Instant

    var events: Int { batches.reduce(0) { $0 + $1.entries.count } }
    var bytes: Int { batches.reduce(0) { $0 + $1.bytes } }

    /// Where the tail begins; everything before it is folded.
    var first: Position { batches.first?.first ?? end.next }

    /// The oldest batches up to a position, as many as it takes to reach so many bytes.
    func slice(ofBytes count: Int, through end: Position) -> ArraySlice<Batch> {
        var bytes = 0
        return batches.prefix { batch in
            guard bytes < count, batch.last <= end else { return false }
            bytes += batch.bytes
            return true
        }
    }

    /// The batch that holds a position, and where in it.
    func find(_ position: Position) -> (batch: Batch, index: Int)? {
        let place = batches.partitioningIndex { $0.last >= position }
        guard place < batches.count, let index = batches[place].index(of: position) else { return nil }
        return (batches[place], index)
    }

    /// Calls `body` for every event of a conversation's fingerprint, in order of position.
    func forEach(conversation fingerprint: UInt64, _ body: (Batch, Int) -> Void) {
        for batch in batches {
            for index in batch.conversations.indices where batch.conversations[index] == fingerprint { body(batch, index) }
        }
    }

    /// Calls `body` for every message of an id's fingerprint, in order of position.
    func forEach(message fingerprint: UInt64, _ body: (Batch, Int) -> Void) {
        for batch in batches {
            for index in batch.messages.indices where batch.messages[index] == fingerprint { body(batch, index) }
        }
    }
}

import Events
import LMDB
import Ledger
import Projections

/// Goes through a conversation's messages in order of (at, position), up or down, over partitions and tail together.
///
/// Only partitions that hold messages of the conversation are opened, one after the other, and each is read in
/// slices: no snapshot is held while the caller looks at a message. What came into the log behind `end` is passed over in the index, and a
/// partition that has nothing else of the conversation is not opened: as of a position long ago, most of an imported one may be such.
struct TimelineWalk {
    enum Direction { case up, down }

    private let view: LogView
    private let fingerprint: Fingerprint
    private let direction: Direction
    private let end: Position
    /// Still to come, nearest last.
    private var partitions: [PartitionID]
    private var current: PartitionID?
    private var place: PartitionIndex.Place
    /// What was read of the current partition, nearest last.
    private var slice: [PartitionIndex.Place] = []
    /// What the tail has, nearest last.
    private var unfolded: [PartitionIndex.Place]

    private static let sliceMax = 128

    /// - Parameters:
    ///   - start: the walk begins right behind it; its own message is not visited.
    ///   - end: the last position whose message is visited.
    init(
        of conversation: ConversationID, in tenant: TenantID, _ direction: Direction, from start: PartitionIndex.Place,
        through end: Position = .last, _ view: LogView
    ) throws(ArchiveFailure) {
        self.view = view
        self.direction = direction
        self.end = end
        place = start
        let fingerprint = view.store.fingerprints.of(conversation, in: tenant)
        self.fingerprint = fingerprint
        do {
            let numbers = try view.store.state.environment.read { reader in
                try view.store.state.conversations.partitions(tenant, conversation, through: end, reader)
            }
            let edge = view.store.partition(of: start.at)
            let ahead = numbers.map { PartitionID($0) }.filter { direction == .up ? $0 >= edge : $0 <= edge }
            partitions = direction == .up ? ahead.reversed() : ahead
        } catch { throw ArchiveFailure(error) }
        var found: [PartitionIndex.Place] = []
        view.tail.forEach(conversation: fingerprint.rawValue) { batch, index in
            guard batch.entries[index].kind == .send else { return }
            let place = PartitionIndex.Place(at: batch.entries[index].at, position: batch.position(at: index))
            if place.position <= end, direction == .up ? place > start : place < start { found.append(place) }
        }
        unfolded = found.sorted { direction == .up ? $0 > $1 : $0 < $1 }
    }

    /// The next place, or nil at the end. Whether its message is of this conversation shows its record:
    /// two conversations may share a fingerprint.
    mutating func next() throws(ArchiveFailure) -> PartitionIndex.Place? {
        if slice.isEmpty { try refill() }
        guard let folded = slice.last else { return unfolded.popLast() }
        guard let newer = unfolded.last else { return slice.popLast() }
        let isFoldedNearer = direction == .up ? folded < newer : folded > newer
        return isFoldedNearer ? slice.popLast() : unfolded.popLast()
    }

    private mutating func refill() throws(ArchiveFailure) {
        while slice.isEmpty {
            if current == nil { current = partitions.popLast() }
            guard let id = current else { return }
            let read = try read(id)
            if let last = read.last { place = last }
            if read.count < Self.sliceMax { current = nil }
            // The tail has those as well, if they were folded after the view was taken.
            slice = read.filter { $0.position < view.tail.first }.reversed()
        }
    }

    private func read(_ id: PartitionID) throws(ArchiveFailure) -> [PartitionIndex.Place] {
        do {
            guard let lease = try view.store.shelf.lease(id) else {
                // It left since the partitions were listed, and none of its messages stays.
                guard view.store.tombstones[id] != nil else { throw view.store.missing(id) }
                return []
            }
            let environment = lease.partition.environment
            let index = PartitionIndex(in: environment)
            return try environment.read { reader in
                switch direction {
                case .up: try index.places(of: fingerprint, after: place, through: end, limit: Self.sliceMax, reader)
                case .down: try index.places(of: fingerprint, before: place, through: end, limit: Self.sliceMax, reader)
                }
            }
        } catch { throw ArchiveFailure(error) }
    }
}

import Events
import LMDB
import Ledger
import Merkle
import Projections

/// What came of looking at 65,536 consecutive leaves, or at those that are there of them: a piece of work for one thread.
///
/// So many, because a complete segment is one subtree of the audit tree, and because that many hashes are little memory.
struct SegmentAudit: Sendable {
    let positions: ClosedRange<Position>
    private(set) var report = AuditReport()
    /// The segment's own right edge; nil where a record is missing, since then nobody knows its hash.
    private(set) var frontier: Frontier? = Frontier()
    /// The right edge at the sizes that checkpoints were signed at.
    private(set) var edges: [UInt64: Frontier] = [:]
    /// The hashes that the tree's table must have, as far as the records are there.
    private(set) var nodes: [(node: TreeNode, hash: TreeHash)] = []
    /// What the partitions got from here.
    private(set) var shares: [PartitionID: PartitionShare] = [:]
    /// The events that change what may be destroyed, or say what was.
    private(set) var rules: [Event] = []
    /// The first position whose record is not there or cannot be read: it may have been a rule's.
    private(set) var unread: Position?
    /// The first of them whose record, or whose file, is there and cannot be read: so nobody knows what it said.
    private(set) var lost: Position?
    /// What can be read, and no daemon writes.
    private(set) var illegal = AuditReport()
    private var deletes: DeleteAudit
    private(set) var firstRecorded: Instant?
    private(set) var lastRecorded = Instant.distantPast
    /// The time between its events, of each silence no more than `silenceMillisecondsMax`.
    private(set) var activeMilliseconds: Int64 = 0
    private var gathered: [PartitionID: Gathered] = [:]
    /// The partition of the latest event, whose part is held apart: to look it up for each event would be to copy it out and in.
    private var latest: PartitionID?
    private var own = Gathered()
    private let stateEnd: Position
    /// What the state got from here, where that is not all that the partition did.
    private var early: [PartitionID: Meaning] = [:]
    private var wanted: ArraySlice<UInt64>
    /// Records behind the frontier.
    private var pending = LeafBatch()

    static let leaves: UInt64 = 1 << 16
    /// What a silence between two events counts for at the most: it may be the step of a clock, or a machine that slept.
    static let silenceMillisecondsMax = Instant.millisecondsPerDay / 2

    /// - Parameters:
    ///   - sizes: those that are of interest, ascending.
    ///   - stateEnd: how far the state has come; some partitions may be ahead of it.
    init(_ positions: ClosedRange<Position>, of map: LogMap, in files: LogFiles, sizes: [UInt64], stateEnd: Position) {
        self.positions = positions
        self.stateEnd = stateEnd
        deletes = DeleteAudit(map, files)
        let start = sizes.partitioningIndex { $0 >= positions.lowerBound.rawValue }
        wanted = sizes[start...].prefix { $0 <= positions.upperBound.rawValue }
        var next = positions.lowerBound
        for run in map.runs(in: positions) {
            if run.first > next { miss(next) }
            read(run, files)
            next = run.last.next
        }
        if next <= positions.upperBound { miss(next) }
        hashLeaves()
        turn(to: nil)
        deletes.settle()
        illegal.join(deletes.report)
        // Without an event: the first record could not be read, and no other one came.
        for (id, gathered) in gathered where gathered.meaning.events > 0 { shares[id] = PartitionShare(gathered.meaning, gathered.bodies) }
    }

    /// From here on nobody knows the hashes.
    private mutating func miss(_ position: Position) {
        hashLeaves()
        frontier = nil
        pass(over: position)
    }

    private mutating func pass(over position: Position) { unread = min(unread ?? position, position) }

    private mutating func lose(_ position: Position) { lost = min(lost ?? position, position) }

    /// What the state must have learned from here, but for what tombstones tell.
    var forState: [PartitionID: Meaning] { gathered.mapValues(\.meaning).merging(early) { $1 } }

    private mutating func read(_ run: LogMap.Run, _ files: LogFiles) {
        switch run.source {
        case .journal(let records):
            for (offset, record) in records.enumerated() {
                let position = Position(run.first.rawValue + UInt64(offset))
                record.withUnsafeBytes { add($0, at: position, nil, nil, files) }
            }
        case .tombstone(let id): readStone(id, run, files)
        case .partition(let id): readPartition(id, run, files)
        }
    }

    private mutating func readStone(_ id: PartitionID, _ run: LogMap.Run, _ files: LogFiles) {
        guard let stone = files.tombstones[id] else { return miss(run.first) }
        let file = files.tombstones.file(of: id)
        hashLeaves()
        var hashes: [TreeHash] = []
        do { hashes = try file.leaves(of: stone, run.first...run.last) } catch {
            report.note(.damaged, run.first...run.last, in: file.path, "cannot be read: \(error)")
            frontier = nil
        }
        append(hashes[...])
        for one in stone.kept(in: run.first...run.last) {
            let place = Int(one.position.rawValue - run.first.rawValue)
            guard hashes.isEmpty || hashes[place] == one.leaf else {
                report.note(
                    .tampered, one.position...one.position, in: file.path,
                    "the record that the tombstone keeps is not the one whose hash it has: it was changed after the removal")
                pass(over: one.position)
                continue
            }
            one.record.withUnsafeBytes { record in interpret(record, at: one.position, nil, nil, files) }
        }
    }

    private mutating func readPartition(_ id: PartitionID, _ run: LogMap.Run, _ files: LogFiles) {
        var position = run.first
        do {
            guard let lease = try files.shelf.lease(id) else {
                lose(run.first)
                return miss(run.first)
            }
            let partition = lease.partition
            try partition.environment.read { reader in
                var cursor = try reader.cursor(in: partition.trail)
                var isThere = try cursor.seek(atLeast: position.key.span.bytes)
                // The bodies lie in the same order, so the two are gone through side by side.
                var bodies = try reader.cursor(in: partition.bodies)
                var hasBody = try bodies.seek(atLeast: position.key.span.bytes)
                while isThere, position <= run.last, cursor.key.word(0) == position.rawValue {
                    while hasBody, bodies.key.word(0) ?? 0 < position.rawValue { hasBody = try bodies.next() }
                    let isOwn = hasBody && bodies.key.word(0) == position.rawValue
                    let body = isOwn ? bodies.value.withUnsafeBytes { BodyOutline(of: $0) } : nil
                    cursor.value.withUnsafeBytes { add($0, at: position, id, body, files) }
                    position = position.next
                    isThere = try cursor.next()
                }
            }
            if position > run.last { return }
            report.note(.damaged, position...run.last, in: files.shelf.path(of: id), "these events have gone while they were looked for")
        } catch {
            report.note(.damaged, position...run.last, in: files.shelf.path(of: id), "cannot be read from here on: \(error)")
            lose(position)
        }
        miss(position)
    }

    private mutating func add(
        _ record: UnsafeRawBufferPointer, at position: Position, _ partition: PartitionID?, _ body: BodyOutline?, _ files: LogFiles
    ) {
        if frontier != nil { pending.add(record) }
        if pending.count == LeafBatch.usual { hashLeaves() }
        report.events += 1
        interpret(record, at: position, partition, body, files)
    }

    private mutating func hashLeaves() { append(pending.takeHashes()[...]) }

    private mutating func append(_ hashes: ArraySlice<TreeHash>) {
        guard var edge = frontier else { return }
        frontier = nil  // So that it is not copied.
        let before = positions.lowerBound.rawValue - 1
        var rest = hashes
        while !rest.isEmpty {
            // Up to the next size that somebody asks for.
            let count = wanted.first.map { Int(min(UInt64(rest.count), $0 - before - edge.size.leaves)) } ?? rest.count
            edge.append(contentsOf: Array(rest.prefix(count))) { node, hash in
                if node.isStored { nodes.append((TreeNode(level: node.level, index: before >> UInt64(node.level) + node.index), hash)) }
            }
            rest = rest.dropFirst(count)
            guard wanted.first == before + edge.size.leaves else { continue }
            edges[before + edge.size.leaves] = edge
            wanted.removeFirst()
        }
        frontier = edge
    }

    private mutating func interpret(
        _ record: UnsafeRawBufferPointer, at position: Position, _ partition: PartitionID?, _ body: BodyOutline?, _ files: LogFiles
    ) {
        do {
            let fields = try TrailFields(parsing: record)
            guard fields.position == position else {
                pass(over: position)
                return complain(position, partition, files, "the record says that it is \(fields.position), so it was moved or changed")
            }
            try note(fields, record, partition, body, files)
        } catch {
            pass(over: position)
            // A message is no rule and no receipt.
            if record.count < 2 || record[1] != EventKind.send.rawValue { lose(position) }
            complain(position, partition, files, "the record cannot be read: \(error)")
        }
    }

    private mutating func complain(_ position: Position, _ partition: PartitionID?, _ files: LogFiles, _ sentence: String) {
        report.note(.damaged, position...position, in: partition.map { files.shelf.path(of: $0) } ?? files.path, sentence)
    }

    private mutating func note(
        _ fields: TrailFields, _ record: UnsafeRawBufferPointer, _ partition: PartitionID?, _ body: BodyOutline?, _ files: LogFiles
    ) throws(TrailFault) {
        let recorded = fields.imported ?? fields.at
        if recorded < lastRecorded {
            complain(fields.position, nil, files, "the event is of an earlier time than the one before it")
        }
        if firstRecorded == nil {
            firstRecorded = recorded
        } else if recorded > lastRecorded {
            activeMilliseconds += min(recorded.milliseconds - lastRecorded.milliseconds, Self.silenceMillisecondsMax)
        }
        lastRecorded = max(lastRecorded, recorded)
        let event = fields.kind == .send ? nil : try Event(decoding: record)
        if event == nil { report.messages += 1 }
        if let event, fields.kind.isRule {
            rules.append(event)
        } else if let refusal = DraftCheck.fault(ofTime: fields.imported.map { _ in fields.at }, recorded: recorded) {
            illegal.note(illegal: fields.position, fields.kind, refusal.fact, in: files)
        }
        if let event, fields.kind == .localDelete { deletes.take(event) }
        guard let partition else { return }
        if files.shelf.length.partition(of: fields.at) != partition {
            complain(fields.position, partition, files, "the event is of another time than its partition")
        }
        if partition != latest { turn(to: partition) }
        if fields.position > stateEnd, early[partition] == nil { early[partition] = own.meaning }
        try own.add(fields, record, event, body, files.fingerprints)
    }

    private mutating func turn(to next: PartitionID?) {
        if let latest { gathered[latest] = own }
        own = next.flatMap { gathered.removeValue(forKey: $0) } ?? Gathered()
        latest = next
    }
}

package import Events
import FoundationEssentials
import Glibc
import LMDB
import Ledger
import Projections

/// Builds all projections anew out of the log alone, up to a moment: what the archive was then, without its content.
///
/// From a data folder or a copy of one, which is only read; a daemon may have it open. What is built is a data folder of its own, whose
/// partitions hold the same records and no body, and whose digest is the one that the daemon had at that position.
package struct Replay: Sendable {
    private let files: LogFiles
    private let map: LogMap
    private let end: Position
    private let target: String

    /// Up to where.
    package enum Moment: Hashable, Sendable {
        case now
        /// The events of then and before, as `ASOF` has them.
        case time(Instant)
        case position(Position)
    }

    /// - Parameter target: a folder for what is built, which must not be there yet; the one that it lies in must.
    package init(of path: String, to target: String) throws(ArchiveFailure) {
        guard access(target, F_OK) != 0 else {
            throw .folder(path: target, reason: "is there already; name a folder that is not there yet")
        }
        guard access(Self.parent(of: target), F_OK) == 0 else {
            throw .folder(path: target, reason: "lies in a folder that is not there; make that first, or name another")
        }
        guard !FilePlace(target).isIn(FilePlace(path)) else {
            throw .folder(path: target, reason: "is in the data folder, of which nothing is changed; name a folder outside it")
        }
        self.target = target
        var report = AuditReport()
        let survey = try FolderSurvey.taken(&report) { () throws(ArchiveFailure) in try LogFiles(of: path) }
        (files, map, end) = (survey.files, survey.map, survey.end)
        if let gap = map.gaps(through: end).first {
            throw .folder(
                path: path, reason: "lacks the events \(gap.lowerBound) to \(gap.upperBound); 'annals audit verify' says more about it")
        }
    }

    private static func parent(of path: String) -> String {
        var name = path[...]
        while name.count > 1, name.last == "/" { name.removeLast() }
        guard let slash = name.lastIndex(of: "/") else { return "." }
        return slash == name.startIndex ? "/" : String(name[..<slash])
    }

    /// - Parameter tell: is told how many events are done, and how many there are.
    package func run(until moment: Moment, _ tell: (_ done: UInt64, _ of: UInt64) -> Void) throws(ArchiveFailure) -> ReplayedLog {
        let last = try position(of: moment)
        try check(last)
        try DataFolder.makeFolder(target)
        do {
            try FileManager.default.copyItem(atPath: files.path + "/annals.json", toPath: target + "/annals.json")
        } catch { throw .folder(path: target, reason: "cannot be written (\(error.inWords)); check the disk and whose folder it is") }
        let options = ArchiveOptions(path: target)
        try copy(through: last, DataFolder(openingExisting: options), options, tell)
        try Rebuild(of: options).run { _ in }
        if case .time(let time) = moment { return try ReplayedLog(options, last, asOf: time) }
        return try ReplayedLog(options, last)
    }

    // MARK: Up to where

    private func position(of moment: Moment) throws(ArchiveFailure) -> Position {
        switch moment {
        case .now: return end
        case .position(let position):
            guard position <= end else {
                throw .folder(
                    path: files.path,
                    reason: files.isLive
                        ? "is folded up to \(end) so far, and not up to \(position); if the log goes that far, ask again in a moment"
                        : "ends at \(end), before \(position)")
            }
            return position
        case .time(let time): return try last(by: time)
        }
    }

    /// Partitions hold what happened in their stretch of time, so only the moment's own has to be looked into.
    private func last(by time: Instant) throws(ArchiveFailure) -> Position {
        let own = files.shelf.length.partition(of: time)
        for run in map.runs(in: .first...max(.first, end)).reversed() {
            switch run.source {
            case .partition(let id), .tombstone(let id):
                if id > own { continue }
                if id < own { return run.last }
                if case .tombstone = run.source {
                    throw .folder(
                        path: files.path, reason: "lacks the records of \(time), whose trail's time is over; say the moment as a #position")
                }
            case .journal: break
            }
            var found: Position?
            try forEach(in: run.first...run.last) { record in
                let fields = try record.withUnsafeBytes { try TrailFields(parsing: $0) }
                if fields.at <= time { found = fields.position }
            }
            if let found { return found }
        }
        return .none
    }

    /// What has left the log cannot be replayed as of a moment before that.
    private func check(_ last: Position) throws(ArchiveFailure) {
        let removals = try removals()
        for run in map.runs where run.first <= last {
            guard case .tombstone(let id) = run.source, removals[id.number].map({ $0 > last }) ?? true else { continue }
            let whence = removals.values.max().map { "\($0) or later" } ?? "a later moment"
            throw .folder(
                path: files.path,
                reason: "no longer has the events \(run.first) to \(run.last), whose trail's time is over; replay up to \(whence)")
        }
    }

    /// By partition that has left the log, the event by which it did. Of a state that cannot be read the records say it themselves, which
    /// takes as long as reading all of them.
    private func removals() throws(ArchiveFailure) -> [Int32: Position] {
        guard files.tombstones.count > 0 else { return [:] }
        var found: [Int32: Position] = [:]
        func take(_ event: Event) {
            if case .partitionRemove(let removal) = event.deed { found[removal.partition] = event.position }
        }
        do {
            let state = try files.state()
            for event in try state.environment.read({ reader in try state.ruleEvents(reader) }) { take(event) }
            return found
        } catch { found = [:] }
        do {
            for run in map.runs {
                try forEach(in: run.first...run.last) { record in
                    let fields = try record.withUnsafeBytes { try TrailFields(parsing: $0) }
                    if fields.kind == .partitionRemove { take(try record.withUnsafeBytes { try Event(decoding: $0) }) }
                }
            }
            return found
        } catch { throw ArchiveFailure(error) }
    }

    // MARK: The records

    private func copy(
        through last: Position, _ folder: DataFolder, _ options: ArchiveOptions, _ tell: (UInt64, UInt64) -> Void
    ) throws(ArchiveFailure) {
        do {
            let shelf = try PartitionShelf(
                folder: folder.partitions, length: folder.partitionLength, indexes: PartitionIndex.tableNames, openMax: Self.openMax,
                options: .init(.create, mapBytes: options.mapBytes))
            for stone in files.tombstones.all where stone.totals.first <= last {
                let name = "\(files.shelf.length.name(of: stone.partition)).tombstone"
                try FileManager.default.copyItem(atPath: "\(files.shelf.folder)/\(name)", toPath: "\(folder.partitions)/\(name)")
            }
            try copyPartitions(through: last, to: shelf, tell)
            try copyJournal(through: last, to: shelf)
            tell(last.rawValue, last.rawValue)
        } catch let failure as ArchiveFailure {
            throw failure
        } catch let failure as LedgerFailure {
            throw .ledger(failure)
        } catch let failure as LMDBError {
            throw .store(failure)
        } catch {
            throw .folder(path: target, reason: "cannot be written (\(error.inWords)); check the disk and whose folder it is")
        }
    }

    /// Side by side, each in one transaction.
    private func copyPartitions(through last: Position, to shelf: PartitionShelf, _ tell: (UInt64, UInt64) -> Void) throws {
        let ids = map.partitions(through: last)
        let files = files
        for start in stride(from: 0, to: ids.count, by: Cores.wave) {
            tell(last.rawValue * UInt64(start) / UInt64(ids.count), last.rawValue)
            let copied = Cores.map(min(Cores.wave, ids.count - start)) { index in
                Result { try Self.copy(ids[start + index], of: files, through: last, to: shelf) }
            }
            for result in copied { try result.get() }
        }
    }

    private static func copy(_ id: PartitionID, of files: LogFiles, through last: Position, to shelf: PartitionShelf) throws {
        guard let lease = try files.shelf.lease(id) else { return }
        let source = lease.partition
        _ = try shelf.write(to: id, making: true) { target, transaction in
            try source.environment.read { reader in
                var cursor = try reader.cursor(in: source.trail)
                var isThere = try cursor.first()
                while isThere, let position = cursor.key.word(0), position <= last.rawValue {
                    try target.append(Position(position), record: cursor.value, body: RawSpan(), &transaction)
                    isThere = try cursor.next()
                }
            }
        }
    }

    /// What is in no partition yet goes where it belongs.
    private func copyJournal(through last: Position, to shelf: PartitionShelf) throws {
        for run in map.runs where run.first <= last {
            guard case .journal = run.source else { continue }
            var records: [[UInt8]] = []
            try forEach(in: run.first...min(run.last, last)) { records.append($0) }
            try write(records, to: shelf)
        }
    }

    private func write(_ records: [[UInt8]], to shelf: PartitionShelf) throws {
        var byPartition: [PartitionID: [(Position, [UInt8])]] = [:]
        for record in records {
            let fields = try record.withUnsafeBytes { try TrailFields(parsing: $0) }
            byPartition[shelf.length.partition(of: fields.at), default: []].append((fields.position, record))
        }
        for (id, rows) in byPartition {
            _ = try shelf.write(to: id, making: true) { partition, transaction in
                for (position, record) in rows {
                    try partition.append(position, record: record.span.bytes, body: RawSpan(), &transaction)
                }
            }
        }
    }

    private func forEach(in range: ClosedRange<Position>, _ body: ([UInt8]) throws -> Void) throws(ArchiveFailure) {
        do {
            for run in map.runs(in: range) {
                switch run.source {
                case .journal(let records): for record in records { try body(record) }
                case .tombstone(let id):
                    for one in files.tombstones[id]?.kept(in: run.first...run.last) ?? [] { try body(one.record) }
                case .partition(let id):
                    guard let lease = try files.shelf.lease(id) else { continue }
                    var walk = TrailWalk(of: lease.partition, from: run.first, through: run.last)
                    while let slice = try walk.next() { for row in slice { try body(row.record) } }
                }
            }
        } catch { throw ArchiveFailure(error) }
    }

    private static let openMax = 64
}

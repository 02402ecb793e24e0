import Events
import FoundationEssentials
import Glibc
import LMDB
import Ledger
import Projections

/// What the state must be: worked out from the records, by the code that a rebuild does it with, in a file that has no name.
///
/// The daemon answers from the state, so a row that somebody put there or took away is a wrong answer, though the log is whole.
struct StateDraft: Sendable {
    private let state: StateFile

    /// Why the state cannot be compared, where that is nobody's fault.
    enum Obstacle: Error, CustomStringConvertible {
        case lacksRecords
        case unfinishedRemoval
        case moved

        var description: String {
            switch self {
            case .lacksRecords: "records are missing or cannot be read, so nobody knows what it must be"
            case .unfinishedRemoval: "a partition is being removed; start the daemon, which finishes that, and verify again"
            case .moved: "the daemon went on meanwhile; verify a copy, or when less is appended"
            }
        }
    }

    /// Nothing yet. It takes as much room as a state file, where temporary files are.
    init() throws(ArchiveFailure) {
        let parent = FileManager.default.temporaryDirectory.path
        var template = Array("\(parent)/annals-verify-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw Self.failure(parent, "cannot get a folder") }
        let folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        do { state = try StateFile(opening: folder + "/state.mdb", others: [], options: .init(.create)) } catch { throw .store(error) }
        // It stays open, and is gone with us, however we end.
        for name in ["/state.mdb", "/state.mdb-lock"] where unlink(folder + name) != 0 && errno != ENOENT {
            throw Self.failure(folder + name, "cannot be removed")
        }
        guard rmdir(folder) == 0 else { throw Self.failure(folder, "cannot be removed") }
    }

    private static func failure(_ path: String, _ what: String) -> ArchiveFailure {
        .folder(path: path, reason: "\(what) (\(String(cString: strerror(errno)))); set TMPDIR")
    }

    /// Adds what partitions got.
    func learn(_ meanings: [PartitionID: Meaning]) throws(ArchiveFailure) {
        do {
            try state.environment.write { transaction in
                var progress = try state.progress(transaction.reader) ?? .start
                for (id, meaning) in meanings where meaning.events > 0 {
                    try state.learn(meaning, of: id, &transaction)
                    progress.add(meaning)
                }
                // Before its first event a state says nothing.
                if progress != .start { try state.write(progress, &transaction) }
            }
        } catch { throw ArchiveFailure(error) }
    }

    /// The last that is learned.
    func learn(_ stones: [Tombstone], _ fingerprints: Fingerprints) throws(ArchiveFailure) {
        do {
            try state.environment.write { transaction in
                var progress = try state.progress(transaction.reader) ?? .start
                for stone in stones { try state.learn(stone, fingerprints, &progress, &transaction) }
                try state.forget(leaving: stones, &transaction)
                if progress != .start { try state.write(progress, &transaction) }
            }
        } catch { throw ArchiveFailure(error) }
    }

    /// The tables in which a state is another one.
    func tables(differingFrom stored: StateFile, of survey: FolderSurvey) throws -> [String] {
        try stored.environment.read { reader in
            guard try stored.progress(reader)?.position ?? Position.none == survey.folded ?? Position.none else { throw Obstacle.moved }
            let names = try state.environment.read { own in
                try zip(state.toldTables, stored.toldTables).filter { try !Self.isAlike($0.table, own, $1.table, reader) }.map(\.0.name)
            }
            // A partition that left since the tombstones were read.
            if survey.files.isLive, names.contains("removed") { throw Obstacle.moved }
            return names
        }
    }

    private static func isAlike(_ left: Table, _ leftReader: Reader, _ right: Table, _ rightReader: Reader) throws -> Bool {
        var left = try leftReader.cursor(in: left)
        var right = try rightReader.cursor(in: right)
        while true {
            let (isThere, isThereToo) = (try left.next(), try right.next())
            guard isThere, isThereToo else { return isThere == isThereToo }
            guard left.key.isSame(as: right.key), left.value.isSame(as: right.value) else { return false }
        }
    }
}

extension RawSpan {
    fileprivate func isSame(as other: RawSpan) -> Bool {
        withUnsafeBytes { own in other.withUnsafeBytes { own.elementsEqual($0) } }
    }
}

extension FolderSurvey {
    /// A removal that was cut short leaves the state between two states.
    func checkRemovals() throws {
        for stone in files.tombstones.all {
            guard let lease = try files.shelf.lease(stone.partition) else { continue }
            let totals = try lease.partition.environment.read { reader in try lease.partition.totals(reader) }
            if let totals, stone.covers(totals) { throw StateDraft.Obstacle.unfinishedRemoval }
        }
    }
}

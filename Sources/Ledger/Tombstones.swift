import Glibc
import Synchronization

/// The tombstones of an archive: which partitions were removed. Their heads are in memory; there are as many as partitions went.
package final class Tombstones: Sendable {
    private let folder: String
    private let length: PartitionLength
    private let stones: Mutex<[PartitionID: Tombstone]>

    /// For whoever tells of all that is wrong in a folder: those that cannot be read are passed over, and listed.
    package let unreadable: [(partition: PartitionID, failure: LedgerFailure)]

    package convenience init(folder: String, length: PartitionLength) throws(LedgerFailure) {
        try self.init(surveying: folder, length: length)
        if let (_, failure) = unreadable.first { throw failure }
        for stone in all { try file(of: stone.partition).checkKept(stone) }
    }

    /// Neither the hashes nor the records that are kept are looked at.
    package init(surveying folder: String, length: PartitionLength) throws(LedgerFailure) {
        self.folder = folder
        self.length = length
        var found: [PartitionID: Tombstone] = [:]
        var unreadable: [(partition: PartitionID, failure: LedgerFailure)] = []
        for name in try PartitionFiles.names(in: folder).sorted() where name.hasSuffix(Self.suffix) {
            guard let id = length.partition(named: name.dropLast(Self.suffix.count)) else { continue }
            do { found[id] = try TombstoneFile(path: "\(folder)/\(name)").read(id) } catch { unreadable.append((id, error)) }
        }
        self.unreadable = unreadable
        stones = Mutex(found)
    }

    static let suffix = ".tombstone"
    static let draftSuffix = ".new"

    package func file(of id: PartitionID) -> TombstoneFile { TombstoneFile(path: "\(folder)/\(length.name(of: id))\(Self.suffix)") }
    package func draft(of id: PartitionID) -> TombstoneFile { TombstoneFile(path: file(of: id).path + Self.draftSuffix) }

    package subscript(id: PartitionID) -> Tombstone? { stones.withLock { $0[id] } }
    package var count: Int { stones.withLock { $0.count } }

    /// All of them, by partition.
    package var all: [Tombstone] { stones.withLock { $0.values.sorted { $0.partition < $1.partition } } }

    /// Gives a draft its place, durably.
    package func raise(_ stone: Tombstone) throws(LedgerFailure) {
        let (draft, file) = (draft(of: stone.partition).path, file(of: stone.partition).path)
        guard rename(draft, file) == 0 else { throw Self.failure(draft, "cannot be renamed to \(file)") }
        try settle(stone)
    }

    /// Gives the stone of a digest its place, durably; false if there is no such stone.
    package func raise(_ id: PartitionID, digest: [UInt8]) throws(LedgerFailure) -> Bool {
        if let stone = try draft(of: id).find(id), stone.digest == digest {
            try raise(stone)
            return true
        }
        // It may have its place already: the folder's sync failed behind the renaming.
        guard let stone = try file(of: id).find(id), stone.digest == digest else { return false }
        try settle(stone)
        return true
    }

    private func settle(_ stone: Tombstone) throws(LedgerFailure) {
        try PartitionFiles.sync(folder: folder)
        stones.withLock { $0[stone.partition] = stone }
    }

    /// Removes a draft that nobody needs, if there is one.
    package func removeDraft(of id: PartitionID) throws(LedgerFailure) {
        let path = draft(of: id).path
        guard unlink(path) == 0 || errno == ENOENT else { throw Self.failure(path, "cannot be removed") }
    }

    /// Removes all drafts but one: what a stop left behind of removals that never came to their event.
    package func removeDrafts(but waiting: PartitionID?) throws(LedgerFailure) {
        let suffix = Self.suffix + Self.draftSuffix
        for name in try PartitionFiles.names(in: folder) where name.hasSuffix(suffix) {
            guard let id = length.partition(named: name.dropLast(suffix.count)), id != waiting else { continue }
            try removeDraft(of: id)
        }
    }

    private static func failure(_ path: String, _ what: String) -> LedgerFailure {
        .folder(path: path, reason: "\(what) (\(String(cString: strerror(errno))))")
    }
}

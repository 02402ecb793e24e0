import Glibc
package import LMDB
import Synchronization

/// The partitions of an archive: which there are, and a bounded number of them open.
///
/// A partition is opened when it is needed and stays open until room is needed for another. LMDB must not open a file
/// twice in one process, so whoever uses a partition holds a `Lease`; only partitions that nobody holds are closed.
/// Opening and closing go through one door, one at a time; those whose partition is open do not wait there.
package final class PartitionShelf: Sendable {
    package let length: PartitionLength
    package let folder: String
    private let indexes: [String]
    private let openMax: Int
    private let options: Environment.Options
    private let table = Mutex(Contents())
    private let door = Mutex(())

    private struct Contents {
        var existing: Set<PartitionID> = []
        var open: [PartitionID: Slot] = [:]
        var clock: UInt64 = 0

        mutating func take(_ id: PartitionID) -> Partition? {
            guard var slot = open[id] else { return nil }
            clock += 1
            slot.leases += 1
            slot.used = clock
            open[id] = slot
            return slot.partition
        }
    }

    private struct Slot {
        var partition: Partition
        var leases = 0
        var used: UInt64 = 0
    }

    /// - Parameters:
    ///   - folder: where the files lie; must be there.
    ///   - indexes: tables that others keep in each file.
    package init(
        folder: String, length: PartitionLength, indexes: [String], openMax: Int, options: Environment.Options
    ) throws(LedgerFailure) {
        self.folder = folder
        self.length = length
        self.indexes = indexes
        self.openMax = openMax
        self.options = options
        let names = try Self.fileNames(in: folder)
        let ids = names.compactMap { name in
            name.hasSuffix(".mdb") ? length.partition(named: name.dropLast(4)) : nil
        }
        table.withLock { $0.existing = Set(ids) }
    }

    /// All partitions, oldest first.
    package var all: [PartitionID] { table.withLock { $0.existing.sorted() } }
    package var count: Int { table.withLock { $0.existing.count } }
    package var openCount: Int { table.withLock { $0.open.count } }

    package func contains(_ id: PartitionID) -> Bool { table.withLock { $0.existing.contains(id) } }

    package func path(of id: PartitionID) -> String { "\(folder)/\(length.name(of: id)).mdb" }

    /// Holds a partition open until the lease ends; nil if there is none of that time.
    package func lease(_ id: PartitionID) throws(LedgerFailure) -> Lease? {
        if let partition = table.withLock({ $0.take(id) }) { return Lease(partition, of: self) }
        guard contains(id) else { return nil }
        return Lease(try open(id), of: self)
    }

    /// Holds a partition open, and makes it if there is none.
    package func lease(making id: PartitionID) throws(LedgerFailure) -> Lease {
        if let partition = table.withLock({ $0.take(id) }) { return Lease(partition, of: self) }
        return Lease(try open(id), of: self)
    }

    private func open(_ id: PartitionID) throws(LedgerFailure) -> Partition {
        let opened = door.withLock { _ in
            Result { () throws(LedgerFailure) in
                // Somebody else may have opened it while we stood at the door.
                if let partition = table.withLock({ $0.take(id) }) { return partition }
                closeIdle(downTo: openMax - 1)
                let partition = try onStore { () throws(LMDBError) in
                    try Partition(id: id, opening: path(of: id), indexes: indexes, options: options)
                }
                return table.withLock { contents in
                    contents.existing.insert(id)
                    contents.open[id] = Slot(partition: partition)
                    return contents.take(id) ?? partition
                }
            }
        }
        return try opened.get()
    }

    /// Closes, of those that nobody holds, the ones that were used longest ago, until no more than `count` are open. Behind the door.
    private func closeIdle(downTo count: Int) {
        let victims: [Partition] = table.withLock { contents in
            let idle = contents.open.filter { $0.value.leases == 0 }.sorted { $0.value.used < $1.value.used }
            let chosen = idle.prefix(max(0, contents.open.count - count))
            for (id, _) in chosen { contents.open[id] = nil }
            return chosen.map(\.value.partition)
        }
        // The files close here, when their last reference goes: behind the door, and outside the lock.
        _ = consume victims
    }

    fileprivate func giveBack(_ id: PartitionID) {
        let isOneTooMany = table.withLock { contents in
            let leases = contents.open[id]?.leases ?? 0
            precondition(leases > 0, "a lease ends once because it cannot be copied")
            contents.open[id]?.leases = leases - 1
            return leases == 1 && contents.open.count > openMax
        }
        // More are open than should be when more were held at once; they must not stay because nobody opens another.
        if isOneTooMany { door.withLock { _ in closeIdle(downTo: openMax) } }
    }

    private static func fileNames(in folder: String) throws(LedgerFailure) -> [String] {
        guard let directory = opendir(folder) else {
            throw .folder(path: folder, reason: "cannot be read (error \(errno)); check that it is there and whose it is")
        }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            names.append(name)
        }
        return names
    }

    /// The right to use an open partition, until it goes out of scope.
    package struct Lease: ~Copyable {
        // Unmanaged, because the shelf keeps the partition alive while it is leased. A reference of the lease's own would live on
        // for a moment after it was given back: the shelf could forget the file while it is open, and somebody open it again.
        private let held: Unmanaged<Partition>
        private let id: PartitionID
        private let shelf: PartitionShelf

        /// The open partition. Good as long as the lease: whoever keeps it longer keeps the file open behind the shelf's back.
        package var partition: Partition { held.takeUnretainedValue() }

        fileprivate init(_ partition: Partition, of shelf: PartitionShelf) {
            held = .passUnretained(partition)
            id = partition.id
            self.shelf = shelf
        }

        deinit { shelf.giveBack(id) }
    }
}

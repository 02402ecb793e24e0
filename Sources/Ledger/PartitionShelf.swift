import Glibc
package import LMDB
import Synchronization

/// The partitions of an archive: which there are, and a bounded number of them open.
///
/// A partition is opened when it is needed and stays open until room is needed for another. LMDB must not open a file
/// twice in one process, so whoever uses a partition holds a `Lease`; only partitions that nobody holds are closed.
/// Opening, closing and replacing go through one door, one at a time; those whose partition is open do not wait there.
/// LMDB keeps the memory of the pages that a transaction changed until the file is closed, so of the partitions that were
/// written to only the last few stay open: an import over half a year would otherwise keep the pages of each of its days.
/// A partition that was replaced or removed is open until its last lease ends; new leases are of what took its place.
package final class PartitionShelf: Sendable {
    package let length: PartitionLength
    package let folder: String
    private let indexes: [String]
    private let openMax: Int
    let options: Environment.Options
    let table = Mutex(Contents())
    private let door = Mutex(())
    /// One file at a time is compared with its sums: two would only hold up each other's disk.
    let comparing = Mutex(())

    struct Contents {
        var existing: Set<PartitionID> = [] { didSet { sorted = nil } }
        private var sorted: [PartitionID]?
        var open: [PartitionID: Slot] = [:]
        /// Replaced or removed, and not yet given back by all who hold them.
        var retired: [ObjectIdentifier: Slot] = [:]
        var compacting: Set<PartitionID> = []
        /// Whether a name in the folder was changed, and it is not known to be durable.
        var isUnsynced = false
        var clock: UInt64 = 0
        /// Put aside: what is wrong with them.
        var damage: [PartitionID: LMDBError] = [:]
        /// Those that were compared with the sums of their pages since the start, or were not to be.
        var compared: Set<PartitionID> = []
        /// By partition, a number that is another behind each of its writes.
        var changes: [PartitionID: UInt64] = [:]
        /// Written to since they were opened, the last one last.
        var written: [PartitionID] = []

        /// Whether more are open than should be: of all, or of those that were written to.
        func isCrowded(_ openMax: Int) -> Bool { open.count > openMax || written.count > PartitionShelf.writtenMax }

        /// Oldest first. Sorted once for all who ask until one comes or goes.
        mutating func all() -> [PartitionID] {
            let all = sorted ?? existing.sorted()
            sorted = all
            return all
        }

        mutating func noteChange(_ id: PartitionID) {
            clock += 1
            changes[id] = clock
        }

        mutating func noteWrite(_ id: PartitionID) {
            written.removeAll { $0 == id }
            if open[id] != nil { written.append(id) }
        }

        /// Takes off the shelf what nobody holds and should not be open: all but the last few that were written to, and those that were
        /// used longest ago until no more than `count` are open.
        mutating func takeIdle(downTo count: Int) -> [Partition] {
            let old = written.dropLast(PartitionShelf.writtenMax).filter { open[$0]?.isIdle ?? false }
            var victims = old.compactMap { open.removeValue(forKey: $0)?.partition }
            if open.count > count {
                let idle = open.filter { $0.value.isIdle }.sorted { $0.value.used < $1.value.used }
                victims += idle.prefix(open.count - count).compactMap { open.removeValue(forKey: $0.key)?.partition }
            }
            if !victims.isEmpty { written.removeAll { open[$0] == nil } }
            return victims
        }

        mutating func take(_ id: PartitionID) -> Partition? {
            guard var slot = open[id] else { return nil }
            clock += 1
            slot.leases += 1
            slot.used = clock
            open[id] = slot
            return slot.partition
        }

        /// Takes an open partition, which somebody holds, off the shelf.
        mutating func retire(_ partition: Partition) {
            guard let slot = open.removeValue(forKey: partition.id), slot.partition === partition, slot.leases > 0 else {
                preconditionFailure("because whoever replaces a partition holds it, and nobody else has replaced it")
            }
            retired[ObjectIdentifier(partition)] = slot
            written.removeAll { $0 == partition.id }
        }

        /// The partition, if that was its last lease.
        mutating func giveBackRetired(_ identity: ObjectIdentifier) -> Partition? {
            guard let slot = retired[identity], slot.leases > 0 else {
                preconditionFailure("a lease ends once because it cannot be copied")
            }
            retired[identity]?.leases = slot.leases - 1
            return slot.leases == 1 ? retired.removeValue(forKey: identity)?.partition : nil
        }
    }

    struct Slot {
        var partition: Partition
        var leases = 0
        var used: UInt64 = 0
    }

    /// So many that were written to stay open: chat is written to today and, behind midnight, to yesterday.
    fileprivate static let writtenMax = 2

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
        let names = Set(try PartitionFiles.names(in: folder))
        table.withLock { $0.existing = Set(names.compactMap { Self.partition($0, length) }) }
        guard options.access == .create || options.access == .write else { return }
        for data in Set(names.compactMap(PartitionFiles.data(ofCopy:))) where Self.partition(data, length) != nil {
            try PartitionFiles.removeLeftovers(of: data, in: folder, named: names)
        }
    }

    private static func partition(_ name: String, _ length: PartitionLength) -> PartitionID? {
        guard name.hasSuffix(PartitionFiles.dataSuffix) else { return nil }
        return length.partition(named: name.dropLast(PartitionFiles.dataSuffix.count))
    }

    /// All partitions, oldest first.
    package var all: [PartitionID] { table.withLock { $0.all() } }
    package var count: Int { table.withLock { $0.existing.count } }
    package var openCount: Int { table.withLock { $0.open.count } }

    package func contains(_ id: PartitionID) -> Bool { table.withLock { $0.existing.contains(id) } }

    package func path(of id: PartitionID) -> String { files(of: id).data }

    /// Another number behind each write to a partition: whoever asked before he read, and finds the same one, would read the same.
    /// Nothing is opened for it, and the file's time and size would not do, since both may be the same behind a write.
    package func lastChange(of id: PartitionID) -> UInt64 { table.withLock { $0.changes[id] ?? 0 } }

    func files(of id: PartitionID) -> PartitionFiles {
        PartitionFiles(data: "\(folder)/\(length.name(of: id))\(PartitionFiles.dataSuffix)")
    }

    /// Holds a partition open until the lease ends; nil if there is none of that time. One that is put aside is refused, unless the caller
    /// means to make do with what can still be read of it, and checks that. Not `isCompared` for who looks into all, and closes them again.
    package func lease(_ id: PartitionID, asFarAsItGoes: Bool = false, isCompared: Bool = true) throws(LedgerFailure) -> Lease? {
        if let partition = table.withLock({ $0.damage[id] == nil ? $0.take(id) : nil }) { return Lease(partition, of: self) }
        guard contains(id) else { return nil }
        return Lease(try open(id, asFarAsItGoes: asFarAsItGoes, isCompared: isCompared), of: self)
    }

    /// Holds a partition open, and makes it if there is none.
    package func lease(making id: PartitionID) throws(LedgerFailure) -> Lease {
        if let lease = try lease(id) { return lease }
        return Lease(try open(id), of: self)
    }

    private func open(_ id: PartitionID, asFarAsItGoes: Bool = false, isCompared: Bool = true) throws(LedgerFailure) -> Partition {
        if isCompared { try compare(id) }
        var options = options
        options.checkPages(of: path(of: id))  // On all cores, and not behind the door.
        return try behindDoor { () throws(LedgerFailure) in
            if !asFarAsItGoes, let damage = damage(of: id) { throw .store(damage) }
            // Somebody else may have opened it while we stood at the door.
            if let partition = table.withLock({ $0.take(id) }) { return partition }
            // What is written to a file whose name may be lost with the power is not durable.
            try syncFolder()
            closeIdle(downTo: openMax - 1)
            let partition = try openFile(id, options)
            return table.withLock { contents in
                if !contents.existing.contains(id) { contents.existing.insert(id) }
                contents.open[id] = Slot(partition: partition)
                return contents.take(id) ?? partition
            }
        }
    }

    private func openFile(_ id: PartitionID, _ options: Environment.Options) throws(LedgerFailure) -> Partition {
        // Another process than the daemon's: it may be replacing the file just now.
        let door = options.access == .read ? try FolderDoor(opening: folder) : nil
        let partition = try onStore { () throws(LMDBError) in
            if options.access == .create {
                // Until the name is durable; if that fails, the next opening begins with it.
                table.withLock { $0.isUnsynced = true }
                try Partition.make(files(of: id), indexes: indexes, options: options)
                table.withLock { $0.isUnsynced = false }
            }
            return try self.partition(id, at: path(of: id), options)
        }
        _ = consume door
        return partition
    }

    private func partition(_ id: PartitionID, at path: String, _ options: Environment.Options) throws(LMDBError) -> Partition {
        try Partition(id: id, opening: path, indexes: indexes, options: options)
    }

    private func behindDoor<Result: Sendable>(_ work: () throws(LedgerFailure) -> Result) throws(LedgerFailure) -> Result {
        let done: Swift.Result<Result, LedgerFailure> = door.withLock { _ in
            Swift.Result { () throws(LedgerFailure) in try work() }
        }
        return try done.get()
    }

    /// Makes names that were changed durable, if that is still to be done. Behind the door.
    private func syncFolder() throws(LedgerFailure) {
        guard table.withLock({ $0.isUnsynced }) else { return }
        try PartitionFiles.sync(folder: folder)
        table.withLock { $0.isUnsynced = false }
    }

    /// Closes what nobody holds and should not be open. Behind the door.
    private func closeIdle(downTo count: Int) {
        let victims = table.withLock { $0.takeIdle(downTo: count) }
        // The files close here, when their last reference goes: behind the door, and outside the lock.
        _ = consume victims
    }

    /// Closes all that nobody holds: for whoever had a look into every one.
    package func closeIdle() { door.withLock { _ in closeIdle(downTo: 0) } }

    fileprivate func giveBack(_ id: PartitionID, _ identity: ObjectIdentifier) {
        var closing: Partition?
        let isCrowded = table.withLock { contents in
            guard let slot = contents.open[id], ObjectIdentifier(slot.partition) == identity else {
                closing = contents.giveBackRetired(identity)
                return false
            }
            precondition(slot.leases > 0, "a lease ends once because it cannot be copied")
            contents.open[id]?.leases = slot.leases - 1
            return slot.leases == 1 && contents.isCrowded(openMax)
        }
        // A file without a name: the system frees its blocks here. Outside the lock, and not behind the door, as nobody can open it.
        _ = consume closing
        // They must not stay because nobody opens another.
        if isCrowded { door.withLock { _ in closeIdle(downTo: openMax) } }
    }

    /// Calls `body` with all partitions that are open now, and keeps them open meanwhile. Opens none, and none counts as used for it.
    package func withAllOpen(_ body: ([Partition]) -> Void) {
        // Unmanaged, for the reason that a lease has.
        let held = table.withLock { contents in
            contents.open.map { id, slot in
                contents.open[id]?.leases += 1
                return (id, Unmanaged.passUnretained(slot.partition))
            }
        }
        lend(held.map(\.1), to: body)
        for (id, partition) in held { giveBack(id, ObjectIdentifier(partition.takeUnretainedValue())) }
    }

    /// Never inlined: so the references are gone when it returns.
    @inline(never)
    private func lend(_ partitions: [Unmanaged<Partition>], to body: ([Partition]) -> Void) {
        body(partitions.map { $0.takeUnretainedValue() })
    }

    /// The right to use an open partition, until it goes out of scope.
    package struct Lease: ~Copyable {
        // Unmanaged, because the shelf keeps the partition alive while it is leased. A reference of the lease's own would live on
        // for a moment after it was given back: the shelf could forget the file while it is open, and somebody open it again.
        private let held: Unmanaged<Partition>
        private let identity: ObjectIdentifier
        private let id: PartitionID
        private let shelf: PartitionShelf

        /// The open partition. Good as long as the lease: whoever keeps it longer keeps the file open behind the shelf's back.
        package var partition: Partition { held.takeUnretainedValue() }

        fileprivate init(_ partition: Partition, of shelf: PartitionShelf) {
            held = .passUnretained(partition)
            identity = ObjectIdentifier(partition)
            id = partition.id
            self.shelf = shelf
        }

        deinit { shelf.giveBack(id, identity) }
    }
}

extension PartitionShelf {
    /// The door for all who write: runs `body` in a write transaction of the partition and commits what it did.
    ///
    /// Nil, without a call of `body`, if there is no such partition and none is to be made. A partition that was replaced between
    /// lease and transaction is let go, and `body` is called once, with the one that took its place.
    /// Throws what `body` throws, an `LMDBError` or a `LedgerFailure`.
    @available(*, noasync, message: "a write transaction lives and dies on one thread: begin it in a synchronous function")
    package func write<Result>(
        to id: PartitionID, making: Bool = false, _ body: (Partition, inout WriteTransaction) throws -> Result
    ) throws -> Result? {
        while let lease = try lease(id, making: making) {
            let partition = lease.partition
            // Behind the commit: before it, a reader could take the number and miss what is written.
            defer {
                table.withLock { contents in
                    contents.noteChange(id)
                    contents.noteWrite(id)
                }
            }
            let result: Result? = try partition.environment.write { transaction in
                partition.isReplaced ? nil : try body(partition, &transaction)
            }
            if let result { return result }
        }
        return nil
    }

    private func lease(_ id: PartitionID, making: Bool) throws(LedgerFailure) -> Lease? {
        making ? try lease(making: id) : try lease(id)
    }

    /// Removes a partition and all that is in it; false if there is none, or it is not the one that is meant. Whoever holds it reads on until
    /// he lets go.
    ///
    /// `isMeant` looks while nobody else can write to it, so what it sees is what goes.
    @available(*, noasync, message: "waits for whoever writes to the partition: call it in a synchronous function")
    package func remove(
        _ id: PartitionID, when isMeant: (Partition) throws(LedgerFailure) -> Bool = { _ in true }
    ) throws(LedgerFailure) -> Bool {
        while let lease = try lease(id) {
            let partition = lease.partition
            var isWanted = true
            let isRemoved = try replace(
                partition,
                when: { _ throws(LedgerFailure) in
                    isWanted = try isMeant(partition)
                    return isWanted
                }, by: { files throws(LedgerFailure) in try files.removeAll() })
            if isRemoved || !isWanted { return isRemoved }
        }
        return false
    }

    /// Says that a partition is being compacted, unless somebody does already. Whoever got true says `endCompacting`.
    func beginCompacting(_ id: PartitionID) -> Bool { table.withLock { $0.compacting.insert(id).inserted } }

    func endCompacting(_ id: PartitionID) { table.withLock { _ = $0.compacting.remove(id) } }

    /// Opens a partition's copy, as a file of its own and not as one of the shelf's.
    func openCopy(of id: PartitionID, making: Bool) throws(LMDBError) -> Partition {
        var options = options
        options.access = making ? .create : .write
        options.isSynced = false
        return try partition(id, at: files(of: id).copy, options)
    }

    /// Changes the files of a partition that the caller holds, if they still are what the caller thinks; says whether they were.
    ///
    /// Order matters. A write transaction keeps all other writers out, and the door all who would open the file. The old
    /// partition is off the shelf before the transaction ends, so whoever waits for it finds `isReplaced` and what comes after it.
    func replace(
        _ partition: Partition, when isCurrent: (Int) throws(LedgerFailure) -> Bool,
        by change: (PartitionFiles) throws(LedgerFailure) -> Void
    ) throws(LedgerFailure) -> Bool {
        let environment = partition.environment
        let transaction: WriteTransaction
        do { transaction = try environment.beginWriting() } catch { throw .store(error) }
        let isReplaced = try replaceAlone(partition, when: isCurrent, by: change)
        _ = consume transaction
        return isReplaced
    }

    /// The same for a caller who has the partition's write transaction.
    func replaceAlone(
        _ partition: Partition, when isCurrent: (Int) throws(LedgerFailure) -> Bool,
        by change: (PartitionFiles) throws(LedgerFailure) -> Void
    ) throws(LedgerFailure) -> Bool {
        let last = try onStore { () throws(LMDBError) in try partition.environment.information().lastTransaction }
        guard !partition.isReplaced, try isCurrent(last) else { return false }
        let files = files(of: partition.id)
        try behindDoor { () throws(LedgerFailure) in
            let door = try FolderDoor(replacing: folder)
            try change(files)
            retire(partition, isRemoved: !files.hasData)
            _ = consume door
            try syncFolder()
        }
        return true
    }

    private func retire(_ partition: Partition, isRemoved: Bool) {
        table.withLock { contents in
            contents.retire(partition)
            contents.isUnsynced = true
            contents.noteChange(partition.id)
            if isRemoved { contents.existing.remove(partition.id) }
        }
        partition.markReplaced()
    }
}

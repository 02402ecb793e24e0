import LMDB

/// What a partition's file is made of, as of one transaction, without a look at its rows.
struct PartitionOutline {
    let note: CopyNote
    let allocatedBytes: Int
    /// The bytes of the pages that hold something.
    let liveBytes: Int

    init(of partition: Partition, boot: String) throws(LedgerFailure) {
        let (transaction, freePages, names) = try onStore { () throws(LMDBError) in try Self.look(at: partition.environment) }
        // Another version of Annals may have made tables that this one does not open, and so would not copy.
        if let name = names.first(where: { !partition.tableNames.contains($0) }) {
            throw .damaged(path: partition.environment.path, table: name, reason: "this version of Annals knows no such table")
        }
        let information = try onStore { () throws(LMDBError) in try partition.environment.information() }
        note = CopyNote(transaction: transaction, inode: information.inode, boot: boot)
        allocatedBytes = information.allocatedBytes
        liveBytes = max(0, information.lastPage + 1 - freePages) * information.pageBytes
    }

    private static func look(at environment: Environment) throws(LMDBError) -> (transaction: Int, freePages: Int, names: [String]) {
        let snapshot = try environment.snapshot()
        return (snapshot.transaction, try snapshot.freePages(), try snapshot.tableNames())
    }

    /// Whether what a copy would win is as much as is asked for.
    func isWorth(_ options: CompactionOptions) -> Bool {
        // Blocks rather than free pages: pages at the end that were given back before they were written take no space.
        let gain = allocatedBytes - liveBytes
        return gain >= options.minGainBytes && gain * 100 >= options.minGainPercent * allocatedBytes
    }

    /// Throws if a copy, of which some may be there already, would leave less of the disk than the reserve.
    func checkRoom(in folder: String, copied: Int, _ options: CompactionOptions) throws(LedgerFailure) {
        let free = try PartitionFiles.freeBytes(in: folder)
        let (needed, overflows) = max(0, liveBytes - copied).addingReportingOverflow(options.diskReserveBytes)
        guard overflows || free < needed else { return }
        let reason =
            "a copy without free pages needs \(overflows ? Int.max : needed) bytes of the disk, the reserve among them, and \(free) are free"
        throw .full(path: folder, reason: reason)
    }
}

/// Says of which state of which file a copy is, as long as it is not finished. A row of the copy's `meta`.
///
/// Version, transaction and inode (u64 each), then the boot's text.
struct CopyNote: Hashable, Sendable {
    var transaction: Int
    var inode: UInt64
    /// Which of the machine's starts it was begun in: what is in the copy is not synced before its end. Empty: nobody knows.
    var boot: String

    static let key: Words<1> = [UInt64(1).bigEndian]
    private static let version: UInt64 = 2

    init(transaction: Int, inode: UInt64, boot: String) {
        self.transaction = transaction
        self.inode = inode
        self.boot = boot
    }

    var bytes: [UInt8] {
        let words: Words<3> = [Self.version.bigEndian, UInt64(bitPattern: Int64(transaction)).bigEndian, inode.bigEndian]
        return words.span.bytes.withUnsafeBytes { [UInt8]($0) } + Array(boot.utf8)
    }

    init?(decoding value: RawSpan) {
        guard value.word(0) == Self.version, let transaction = value.word(1), let inode = value.word(2) else { return nil }
        self.init(
            transaction: Int(Int64(bitPattern: transaction)), inode: inode,
            boot: value.withUnsafeBytes { String(decoding: $0[24...], as: UTF8.self) })
    }

    /// Whether a copy with this note may be gone on with by one with another.
    func isContinued(by other: CopyNote) -> Bool { self == other && !boot.isEmpty }
}

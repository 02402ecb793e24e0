import LMDB

/// A copy of a partition in the making: a file beside it, with the same tables and, until it is finished, a `CopyNote`.
///
/// Rows are copied in ascending order, one table after the other, so the copy itself says how far it is: after a stop it goes
/// on behind each table's last row. It is synced at its end alone, since each sync would hold up those of the appends; the system writes it
/// meanwhile, and a copy from before the system's last start is thrown away. Both files are looked at through a new snapshot for every slice, so that neither has a
/// reader that makes it grow; every snapshot of the source must be of the note's transaction.
struct PartitionCopy {
    private let source: Partition
    private let copy: Partition
    private let note: CopyNote
    private let sliceBytes: Int
    private let tables: [TablePair]

    private struct TablePair {
        let name: String
        let from: Table
        let to: Table
    }

    /// Where the next slice begins: in which table, and when rows are compared, at which key (empty: at the first).
    struct Place {
        fileprivate var table = 0
        fileprivate var key: [UInt8] = []
    }

    /// Opens the copy of last time, if it is of the same state of the same file, and begins a new one otherwise.
    init(
        of source: Partition, _ outline: PartitionOutline, on shelf: PartitionShelf, _ options: CompactionOptions
    ) throws(LedgerFailure) {
        let files = shelf.files(of: source.id)
        // It may be the lock of a file that was replaced and still has readers.
        try files.removeCopyLock()
        if let half = try Self.half(of: source, outline.note, files, shelf) {
            let copied = try onStore { () throws(LMDBError) in try half.environment.information().allocatedBytes }
            try outline.checkRoom(in: shelf.folder, copied: copied, options)
            copy = half
        } else {
            try files.removeCopy()
            try outline.checkRoom(in: shelf.folder, copied: 0, options)
            copy = try onStore { () throws(LMDBError) in
                let made = try shelf.openCopy(of: source.id, making: true)
                try Self.begin(made, of: source, outline.note)
                return made
            }
        }
        self.source = source
        note = outline.note
        sliceBytes = max(1, options.sliceBytes)
        // `meta` is copied when the copy begins, and compared first.
        let names = ["meta"] + source.tableNames.filter { $0 != "meta" }
        tables = names.map { [copy] name in
            TablePair(name: name, from: source.environment.table(named: name), to: copy.environment.table(named: name))
        }
    }

    private static func half(
        of source: Partition, _ note: CopyNote, _ files: PartitionFiles, _ shelf: PartitionShelf
    ) throws(LedgerFailure) -> Partition? {
        guard files.hasCopy else { return nil }
        do {
            // If the power failed, anything may lie there, and LMDB walks it with its eyes shut.
            guard try PageCheck.fault(in: files.copy) == nil else { return nil }
            let half = try shelf.openCopy(of: source.id, making: false)
            let isOfSource = try Self.note(in: half)?.isContinued(by: note) ?? false
            return isOfSource ? half : nil
        } catch {
            switch error.kind {
            case .damaged, .missingTable: return nil  // A crash came before its first row was synced.
            default: throw .store(error)
            }
        }
    }

    private static func note(in copy: Partition) throws(LMDBError) -> CopyNote? {
        let environment = copy.environment
        let snapshot = try environment.snapshot()
        guard let value = try snapshot.value(of: CopyNote.key.span.bytes, in: copy.meta) else { return nil }
        return CopyNote(decoding: value)
    }

    /// The note, and the few rows of `meta`: the note's key is among theirs, so they cannot be appended behind each other.
    ///
    /// If the source has changed since, the note says so to whoever takes the first slice, or finds the copy after a crash.
    private static func begin(_ copy: Partition, of source: Partition, _ note: CopyNote) throws(LMDBError) {
        let (from, to) = (source.environment, copy.environment)
        let snapshot = try from.snapshot()
        var transaction = try to.beginWriting()
        var rows = try snapshot.cursor(in: source.meta)
        while try rows.next() { try transaction.put(rows.value, for: rows.key, in: copy.meta) }
        try transaction.put(note.bytes.span.bytes, for: CopyNote.key.span.bytes, in: copy.meta)
        try transaction.commit()
    }

    func isAtEnd(_ place: Place) -> Bool { place.table == tables.count }

    /// Lets go of the pages of both files that were read. Otherwise they all count as the process's memory until the files are closed.
    func forgetPages() { ProcessMemory.forget([source.environment, copy.environment]) }

    /// What a copy of last time has already, in the pages of its tables.
    func bytesBefore() throws(LedgerFailure) -> Int {
        try onStore { () throws(LMDBError) in
            let environment = copy.environment
            let snapshot = try environment.snapshot()
            let pageBytes = try environment.information().pageBytes
            var pages = 0
            for table in tables.dropFirst() { pages += try snapshot.reader.statistics(of: table.to).pages }
            return pages * pageBytes
        }
    }

    /// Removes the note and gives back what the file takes. It must be closed before it is used as a partition.
    func finish() throws(LedgerFailure) -> Int {
        try onStore { () throws(LMDBError) in
            let environment = copy.environment
            var transaction = try environment.beginWriting()
            _ = try transaction.delete(CopyNote.key.span.bytes, in: copy.meta)
            try transaction.commit()
            try environment.sync()
            return try environment.information().allocatedBytes
        }
    }
}

extension PartitionCopy {
    /// Copies a slice of rows; nil if the source has changed. Gives back the bytes.
    func copySlice(_ place: inout Place) throws(LedgerFailure) -> Int? {
        do { return try copyRows(&place) } catch {
            guard error.kind == .notAscending || error.kind == .badSize else { throw .store(error) }
            throw damaged(tables[place.table...], "its rows are not in order")
        }
    }

    private func copyRows(_ place: inout Place) throws(LMDBError) -> Int? {
        let (from, to) = (source.environment, copy.environment)
        let snapshot = try from.snapshot()
        guard snapshot.transaction == note.transaction else { return nil }
        var transaction = try to.beginWriting()
        var bytes = 0
        while place.table < tables.count, bytes < sliceBytes {
            // The first is `meta`.
            let isDone = place.table == 0 ? true : try copyRows(of: tables[place.table], snapshot.reader, &transaction, &bytes)
            if isDone { place.table += 1 }
        }
        try transaction.commit()
        try to.beginWritingBack()
        return bytes
    }

    /// Whether those were the table's last rows.
    private func copyRows(
        of table: TablePair, _ reader: Reader, _ transaction: inout WriteTransaction, _ bytes: inout Int
    ) throws(LMDBError) -> Bool {
        var rows = try reader.cursor(in: table.from)
        guard try Self.place(&rows, behindLastOf: table.to, transaction.reader) else { return true }
        while bytes < sliceBytes {
            try transaction.append(rows.value, for: rows.key, in: table.to)
            bytes += rows.key.byteCount + rows.value.byteCount
            guard try rows.next() else { return true }
        }
        return false
    }

    private static func place(_ rows: inout Cursor, behindLastOf table: Table, _ reader: Reader) throws(LMDBError) -> Bool {
        var copied = try reader.cursor(in: table)
        guard try copied.last() else { return try rows.first() }
        guard try rows.seek(atLeast: copied.key) else { return false }
        return rows.key.isSame(as: copied.key) ? try rows.next() : true
    }
}

extension PartitionCopy {
    /// Compares a slice of rows; nil if the source has changed. Gives back the bytes, and throws `.damaged` if the copy differs.
    func compareSlice(_ place: inout Place) throws(LedgerFailure) -> Int? {
        var bytes = 0
        let found: Comparison
        do { found = try compareRows(&place, &bytes) } catch { throw .store(error) }
        switch found {
        case .same: return bytes
        case .stale: return nil
        case .different: throw damaged(tables[place.table...], "a copy of it is not the same, so one of the two is damaged")
        }
    }

    private enum Comparison { case same, different, stale }

    private func compareRows(_ place: inout Place, _ bytes: inout Int) throws(LMDBError) -> Comparison {
        let (from, to) = (source.environment, copy.environment)
        let snapshot = try from.snapshot()
        let copied = try to.snapshot()
        guard snapshot.transaction == note.transaction else { return .stale }
        while place.table < tables.count, bytes < sliceBytes {
            let table = tables[place.table]
            guard try compareRows(of: table, snapshot.reader, copied.reader, &place.key, &bytes) else { return .different }
            if place.key.isEmpty { place.table += 1 }
        }
        return .same
    }

    /// Whether both have the same rows from `key` on. Leaves the key at which to go on, or none at the table's end.
    private func compareRows(
        of table: TablePair, _ reader: Reader, _ copyReader: Reader, _ key: inout [UInt8], _ bytes: inout Int
    ) throws(LMDBError) -> Bool {
        var rows = try reader.cursor(in: table.from)
        var copied = try copyReader.cursor(in: table.to)
        var isRow = try key.isEmpty ? rows.first() : rows.seek(key.span.bytes)
        var isCopied = try key.isEmpty ? copied.first() : copied.seek(key.span.bytes)
        while true {
            if isCopied, table.name == "meta", copied.key.isSame(as: CopyNote.key.span.bytes) { isCopied = try copied.next() }
            guard isRow, isCopied else { break }
            if bytes >= sliceBytes {
                key = rows.key.copied
                return true
            }
            guard rows.key.isSame(as: copied.key), rows.value.isSame(as: copied.value) else { return false }
            bytes += rows.key.byteCount + rows.value.byteCount
            (isRow, isCopied) = (try rows.next(), try copied.next())
        }
        key = []
        let isCounted = try reader.count(of: table.from) == copyReader.count(of: table.to) - (table.name == "meta" ? 1 : 0)
        return isRow == isCopied && isCounted
    }

    private func damaged(_ tables: ArraySlice<TablePair>, _ reason: String) -> LedgerFailure {
        .damaged(path: source.environment.path, table: tables.first?.name ?? "", reason: reason)
    }
}

extension RawSpan {
    fileprivate func isSame(as other: RawSpan) -> Bool {
        withUnsafeBytes { left in other.withUnsafeBytes { right in left.elementsEqual(right) } }
    }
}

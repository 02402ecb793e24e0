import CLMDB

/// LMDB's list of free pages, read from the file itself.
///
/// The list is a tree like every table's (keys: transactions, values: a length and that many page numbers). LMDB cannot be asked for it
/// before the file is known to be safe to map (`FileLength`), and never says which pages they are (`PageSums`).
struct FreeList: ~Copyable {
    private let file: PageFile
    private let meta: MetaPage

    init(of file: consuming PageFile, meta: MetaPage) {
        self.file = file
        self.meta = meta
    }

    /// Throws unless every page of the range is free.
    borrowing func checkAllFree(from first: UInt64, through last: UInt64) throws(LMDBError) {
        var free = Set<UInt64>()
        try forEachList { list in
            for index in 1..<max(1, list.count / 8) {  // The first word is the length.
                if let page = list.load(UInt64.self, at: index * 8), page >= first, page <= last { free.insert(page) }
            }
        }
        // Not by asking page after page: a meta page of garbage may count more of them than there is time for.
        guard UInt64(free.count) <= last - first else { return }
        var page = first
        while free.contains(page) { page += 1 }
        throw endsBefore(page)
    }

    /// Names every free page.
    borrowing func forEachPage(_ body: (UInt64) -> Void) throws(LMDBError) {
        try forEachList { list in
            let count = min(list.load(UInt64.self, at: 0) ?? 0, UInt64(list.count / 8))
            for index in 0..<Int(count) { if let page = list.load(UInt64.self, at: 8 + 8 * index) { body(page) } }
        }
    }

    private borrowing func forEachList(_ body: ([UInt8]) -> Void) throws(LMDBError) {
        guard meta.freeListRoot != UInt64.max else { return }  // P_INVALID: an empty tree.
        var waiting = [meta.freeListRoot]
        var bytesLeft = try file.byteCount()  // A damaged tree may lead in circles; a sound one shows no byte twice.
        while let number = waiting.popLast() {
            let page = TreePage(bytes: try read(meta.pageBytes, ofPage: number, skipping: 0, &bytesLeft))
            for index in 0..<page.nodeCount {
                switch page.node(index) {
                case .table: throw file.unreadable(MDB_CORRUPTED)
                case .branch(let child): waiting.append(child)
                case .value(let place): body(Array(page.bytes[place]))
                case .overflow(let number, let byteCount): body(try read(byteCount, ofPage: number, skipping: 16, &bytesLeft))
                case .unreadable: throw file.unreadable(MDB_CORRUPTED)
                }
            }
        }
    }

    private borrowing func read(
        _ count: Int, ofPage page: UInt64, skipping header: UInt64, _ bytesLeft: inout Int
    ) throws(LMDBError) -> [UInt8] {
        let (offset, overflows) = page.multipliedReportingOverflow(by: UInt64(meta.pageBytes))
        guard !overflows, offset < UInt64(try file.byteCount()) else { throw endsBefore(page) }
        guard count <= bytesLeft else { throw file.unreadable(MDB_CORRUPTED) }
        bytesLeft -= count
        return try file.read(count, at: offset + header, orThrow: MDB_CORRUPTED)
    }

    private borrowing func endsBefore(_ page: UInt64) -> LMDBError {
        LMDBError(kind: .damaged(.endsBefore(page: page)), operation: .open, path: file.path)
    }
}

/// A branch or leaf page: a header of 16 bytes, offsets of nodes (16 bits each), and the nodes.
struct TreePage {
    let bytes: [UInt8]

    /// Where things lie in the page, and not the things: a slice of it would be counted for each node.
    enum Node {
        /// In a leaf, a table: its `MDB_db`.
        case table(Range<Int>)
        case branch(UInt64)
        case value(Range<Int>)
        case overflow(UInt64, byteCount: Int)
        case unreadable
    }

    var isBranch: Bool { bytes.load(UInt16.self, at: 10).map { $0 & 0x01 != 0 } ?? false }  // P_BRANCH

    var nodeCount: Int {
        guard let lower = bytes.load(UInt16.self, at: 12), lower >= 16, Int(lower) <= bytes.count else { return 0 }
        return (Int(lower) - 16) / 2
    }

    /// `MDB_node`: low and high half of a size, flags, key size, key, data. In a branch, size and flags are the child's number.
    func node(_ index: Int) -> Node {
        guard let start = bytes.load(UInt16.self, at: 16 + 2 * index).map(Int.init),
            let low = bytes.load(UInt16.self, at: start), let high = bytes.load(UInt16.self, at: start + 2),
            let flags = bytes.load(UInt16.self, at: start + 4), let keyBytes = bytes.load(UInt16.self, at: start + 6)
        else { return .unreadable }
        let size = UInt64(low) | UInt64(high) << 16
        if isBranch { return .branch(size | UInt64(flags) << 32) }
        // F_BIGDATA or F_SUBDATA. No table of ours has several values for a key, and LMDB takes the third flag, F_DUPDATA, at its word.
        guard flags <= 0x02 else { return .unreadable }
        let data = start + 8 + Int(keyBytes)
        if flags & 0x01 != 0 {  // F_BIGDATA
            guard let page = bytes.load(UInt64.self, at: data) else { return .unreadable }
            return .overflow(page, byteCount: Int(size))
        }
        guard data + Int(size) <= bytes.count else { return .unreadable }
        let place = data..<data + Int(size)
        return flags & 0x02 != 0 ? .table(place) : .value(place)  // F_SUBDATA
    }

    /// Nil where it does not lie within the page.
    func key(_ index: Int) -> Range<Int>? {
        guard let start = bytes.load(UInt16.self, at: 16 + 2 * index).map(Int.init), let count = bytes.load(UInt16.self, at: start + 6),
            start + 8 + Int(count) <= bytes.count
        else { return nil }
        return (start + 8)..<(start + 8 + Int(count))
    }
}

import CLMDB

/// Which tables of a file some pages belong to, as far as one can come from the pages that lead there.
///
/// What is not whole is not followed. So of pages that lead nowhere any more it says the table, and of what they led to nothing.
package struct PageOwners: ~Copyable {
    private let file: PageFile
    private let meta: MetaPage
    private let wanted: Set<UInt64>
    private var found: [UInt64: String] = [:]
    private var seen: Set<UInt64> = []

    /// By page, the name of its table. `main` is the table of tables, `free` the list of free pages, `meta` the file's head; of what is in none
    /// there is nothing.
    package static func find(_ pages: [UInt64], in path: String) throws(LMDBError) -> [UInt64: String] {
        let file = try PageFile(path)
        guard let meta = try MetaPage.newest(of: file) else { return [:] }
        var owners = PageOwners(file: file, meta: meta, wanted: Set(pages))
        try owners.walk(meta.main.root, "main")
        try owners.walk(meta.freeListRoot, "free")
        for page in pages where page < 2 { owners.found[page] = "meta" }
        return owners.found
    }

    private init(file: consuming PageFile, meta: MetaPage, wanted: Set<UInt64>) {
        self.file = file
        self.meta = meta
        self.wanted = wanted
    }

    private mutating func walk(_ root: UInt64, _ name: String) throws(LMDBError) {
        var waiting = root == .max ? [] : [(root, name)]
        while let (number, name) = waiting.popLast() {
            guard seen.insert(number).inserted, number < UInt64(try file.byteCount() / meta.pageBytes) else { continue }
            if wanted.contains(number) {
                found[number] = name
                continue
            }
            let page = TreePage(bytes: try file.read(meta.pageBytes, at: number * UInt64(meta.pageBytes), orThrow: MDB_CORRUPTED))
            for index in 0..<page.nodeCount {
                switch page.node(index) {
                case .branch(let child): waiting.append((child, name))
                case .overflow(let first, let byteCount):
                    let count = UInt64((15 + byteCount) / meta.pageBytes + 1)
                    for own in wanted where own >= first && own - first < count { found[own] = name }
                case .table(let bytes):
                    guard let tree = TreeRecord(bytes), tree.root != .max, let key = page.key(index) else { continue }
                    waiting.append((tree.root, String(decoding: key, as: UTF8.self)))
                case .value, .unreadable: continue
                }
            }
        }
    }
}

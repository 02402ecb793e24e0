import CLMDB
import Glibc

/// What the process has in memory, and how to give back what it does not need. Reads `/proc/self`; see proc(5).
package struct ProcessMemory: Sendable {
    /// Its own: heap, stacks, what no file has. Bytes.
    package var anonymousBytes: Int
    /// Pages of files that it has mapped: LMDB's, and the program itself. The system has them anyway, as long as it has room.
    package var fileBytes: Int

    package init(anonymousBytes: Int, fileBytes: Int) {
        self.anonymousBytes = anonymousBytes
        self.fileBytes = fileBytes
    }

    /// As it is now; nil where the system does not tell.
    package static func now() -> ProcessMemory? {
        guard let text = text(of: "/proc/self/statm") else { return nil }
        let pages = text.split(separator: " ").prefix(3).compactMap { Int($0) }
        guard pages.count == 3, pages[1] >= pages[2] else { return nil }
        let pageBytes = Int(sysconf(Int32(_SC_PAGESIZE)))
        return ProcessMemory(anonymousBytes: (pages[1] - pages[2]) * pageBytes, fileBytes: pages[2] * pageBytes)
    }

    /// Gives free pages of the heap back to the system: also those between pages that are in use, which stay with the process otherwise.
    package static func trimHeap() { _ = malloc_trim(0) }

    /// Takes the pages of some environments out of the process. Whoever needs one again gets it from the system's cache. Readers and
    /// writers may go on meanwhile; the caller sees to it that the environments stay open.
    package static func forget(_ environments: [Environment]) {
        let paths = Set(environments.map(\.path))
        for line in (text(of: "/proc/self/maps") ?? "").split(separator: "\n") {
            // Range, rights, offset, device, inode, and after some spaces the path.
            let fields = line.split(separator: " ", maxSplits: 5)
            guard fields.count == 6, paths.contains(String(fields[5].drop { $0 == " " })) else { continue }
            let bounds = fields[0].split(separator: "-").compactMap { UInt($0, radix: 16) }
            guard bounds.count == 2, bounds[0] < bounds[1] else { continue }
            _ = unsafe madvise(UnsafeMutableRawPointer(bitPattern: bounds[0]), Int(bounds[1] - bounds[0]), MADV_DONTNEED)
        }
    }

    private static func text(of path: String) -> String? {
        let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var bytes: [UInt8] = []
        while true {
            var piece = [UInt8](repeating: 0, count: 1 << 16)
            let count = unsafe read(file, &piece, piece.count)
            if count <= 0 { break }
            bytes += piece[..<count]
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

import Glibc
import LMDB
import TestSupport
import Testing

/// A change in whose midst LMDB came to a damaged page: neither it nor its lock can be given up.
@Suite("Left changes")
struct LeftChangesTests {
    /// A file with one row, in which a change was left: LMDB asserts at a branch page that has no branches.
    private func left(_ path: String) throws -> Environment {
        let environment = try Environment(opening: path, tables: ["words"])
        try environment.put(["one": "word"])
        try harm(path)
        let kind = try failure { try environment.put(["another": "word"]) }
        guard case .damaged? = kind else { throw Unharmed(kind: kind) }
        return environment
    }

    private struct Unharmed: Error { let kind: LMDBError.Kind? }

    /// Makes each leaf page a branch page with nothing on it.
    private func harm(_ path: String) throws {
        let descriptor = open(path, O_RDWR)
        #expect(descriptor >= 0)
        defer { close(descriptor) }
        var page = [UInt8](repeating: 0, count: 4096)
        var place = off_t(8192)
        while pread(descriptor, &page, 4096, place) == 4096 {
            let head: [UInt8] = [1, 0, 16, 0]
            if page[10] == 2 { #expect(pwrite(descriptor, head, 4, place + 10) == 4) }
            place += 4096
        }
    }

    @Test("nothing is written to its file any more, and nobody waits for a lock that nobody gives back")
    func refused() throws {
        let folder = try TemporaryFolder()
        let environment = try left(folder.file("left.mdb"))
        #expect(environment.isLeft)
        for _ in 0..<2 {
            guard case .damaged? = try failure(of: { try environment.put(["more": "words"]) }) else { throw Unharmed(kind: nil) }
        }
        #expect(try failure { _ = try environment.entries() } != nil)
    }

    @Test("its thread writes to other files, also when nobody refers to its own any more")
    func others() throws {
        let folder = try TemporaryFolder()
        let other = try Environment(opening: folder.file("other.mdb"), tables: ["words"])
        var path = ""
        do {
            let environment = try left(folder.file("left.mdb"))
            path = environment.path
        }
        for round in 0..<3 { try other.put(["round \(round)": "word"]) }
        #expect(try other.entries().count == 3)
        // It is still open, and LMDB opens no file twice.
        #expect(try failure { _ = try Environment(opening: path, tables: ["words"]) } == .alreadyOpen)
    }

    @Test(
        "a fault at an address that no page leads to ends the process, as it would without a guard",
        arguments: [0x10_0000, 0x4141_4141_4141_4141 as UInt])
    func foreignFaults(address: UInt) async throws {
        await #expect(processExitsWith: .failure) { [address = address as UInt] in
            let folder = try TemporaryFolder()
            let environment = try Environment(opening: folder.file("sound.mdb"), tables: ["words"])
            try environment.put(["one": "word"])
            // The first reader learns where the file is mapped.
            _ = try environment.entries()
            let nowhere = UnsafeRawBufferPointer(start: UnsafeRawPointer(bitPattern: address), count: 8)
            // A key that is not there: LMDB reads it to compare it with the file's.
            _ = try environment.read { reader in try reader.contains(RawSpan(_unsafeBytes: nowhere), in: environment.words) }
        }
    }
}

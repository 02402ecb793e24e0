import Events
import Glibc
import LMDB
import TestSupport
import Testing

@testable import Ledger

@Suite("The folder of the partitions, and other processes")
struct FolderDoorTests {
    private func shelf(_ folder: TemporaryFolder) throws -> PartitionShelf {
        try PartitionShelf(folder: folder.path, length: .day, indexes: [], openMax: 4, options: .init(.create, mapBytes: 1 << 24))
    }

    @Test("no file is replaced while another process opens one, nobody waits for that, and it works afterwards")
    func replacing() throws {
        let folder = try TemporaryFolder()
        let shelf = try shelf(folder)
        let id = PartitionID(20_000)
        _ = try shelf.lease(making: id)
        let other = open(folder.path, O_RDONLY | O_DIRECTORY)
        #expect(flock(other, LOCK_SH | LOCK_NB) == 0)
        let failure = #expect(throws: LedgerFailure.self) { try shelf.remove(id) }
        #expect(failure?.description.contains("is being read by another process") == true)
        #expect(shelf.contains(id))
        #expect(try shelf.lease(id) != nil)
        close(other)
        #expect(try shelf.remove(id))
    }

    @Test("several processes open files at the same time")
    func opening() throws {
        let folder = try TemporaryFolder()
        let one = try FolderDoor(opening: folder.path)
        let other = try FolderDoor(opening: folder.path)
        #expect(throws: LedgerFailure.self) { _ = try FolderDoor(replacing: folder.path) }
        _ = consume one
        _ = consume other
        _ = try FolderDoor(replacing: folder.path)
    }
}

import Dispatch
import Glibc
import Synchronization
import TestSupport
import Testing

@testable import Archive

@Suite("File lock")
struct FileLockTests {
    /// Descriptors are numbers that the whole process shares: closed twice, one is somebody else's the second time.
    @Test("a lock that is refused closes what it opened once, and nothing that another thread has opened since", arguments: [false, true])
    func closesOnce(isShared: Bool) throws {
        let folder = try TemporaryFolder()
        let path = folder.file("LOCK")
        let held = try FileLock(path, folder: folder.path)
        let isOver = Atomic(false)
        let lost = Atomic(0)
        DispatchQueue.concurrentPerform(iterations: 2) { thread in
            if thread == 0 {
                for _ in 0..<20_000 { Self.refused(path, isShared) }
                isOver.store(true, ordering: .releasing)
            } else {
                while !isOver.load(ordering: .acquiring) {
                    let descriptor = open("/dev/null", O_RDONLY | O_CLOEXEC)
                    for _ in 0..<20 where fcntl(descriptor, F_GETFD) < 0 { lost.add(1, ordering: .relaxed) }
                    close(descriptor)
                }
            }
        }
        withExtendedLifetime(held) {}
        #expect(lost.load(ordering: .relaxed) == 0)
    }

    private static func refused(_ path: String, _ isShared: Bool) {
        #expect(throws: ArchiveFailure.self) {
            _ = isShared ? try FileLock(sharing: path, folder: "") : try FileLock(path, folder: "")
        }
    }
}

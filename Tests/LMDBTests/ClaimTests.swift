import Foundation
import LMDB
import Synchronization
import TestSupport
import Testing

@Suite("Claims")
struct ClaimTests {
    @Test("a file is not taken for an open one because it got the inode of one that was removed")
    func inodeReuse() throws {
        let folder = try TemporaryFolder()
        let failures = Mutex<[String]>([])
        let group = DispatchGroup()
        for thread in 0..<4 {
            group.enter()
            Thread {
                for round in 0..<400 {
                    let path = folder.file("race-\(thread)-\(round).mdb")
                    do {
                        let environment = try Environment(opening: path, tables: ["a"], options: .init(.create, mapBytes: 1 << 20))
                        try FileManager.default.removeItem(atPath: path)
                        try FileManager.default.removeItem(atPath: path + "-lock")
                        _ = environment.path
                    } catch { failures.withLock { $0.append("\(error)") } }
                }
                group.leave()
            }.start()
        }
        group.wait()
        let found = failures.withLock { $0 }
        #expect(found.isEmpty, "\(found.count): \(found.first ?? "")")
    }
}

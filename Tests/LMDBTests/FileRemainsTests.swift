import Foundation
import Glibc
import TestSupport
import Testing

@testable import LMDB

@Suite("FileRemains")
struct FileRemainsTests {
    private let folder: TemporaryFolder
    private let size = 70 << 20

    init() throws { folder = try TemporaryFolder() }

    /// The remains of a file of 70 MiB that was closed.
    private func remains(removed: Bool = true) throws -> FileRemains {
        let environment = try folder.environment()
        try environment.put(["a": String(repeating: "v", count: size)])
        if removed { try FileManager.default.removeItem(atPath: folder.file()) }
        return try #require(FileRemains(of: environment))
    }

    @Test("a file without a name is given back in steps, with a pause between them")
    func steps() throws {
        let remains = try remains()
        var pauses = 0
        #expect(remains.giveBack { pauses += 1 })
        #expect(pauses == size / (16 << 20))
        #expect(remains.giveBack { Issue.record("nothing is left") })
    }

    @Test("a file that has a name stays as it is")
    func named() throws {
        let remains = try remains(removed: false)
        #expect(!remains.giveBack { Issue.record("it was cut") })
        #expect(try folder.environment().text("a")?.utf8.count == size)
    }

    @Test("a file that somebody else has open, or mapped, stays as it is until he lets go of it", arguments: [false, true])
    func read(isMapped: Bool) throws {
        let environment = try folder.environment()
        try environment.put(["a": String(repeating: "v", count: size)])
        let other = open(folder.file(), O_RDONLY | O_CLOEXEC)
        let map = isMapped ? try #require(mmap(nil, size, PROT_READ, MAP_SHARED, other, 0)) : nil
        if isMapped { close(other) }
        try FileManager.default.removeItem(atPath: folder.file())
        let remains = try #require(FileRemains(of: environment))
        _ = consume environment
        #expect(!remains.giveBack { Issue.record("it was cut under a reader") })
        if let map {
            #expect(map.load(fromByteOffset: size - 4096, as: UInt8.self) == UInt8(ascii: "v"))
            munmap(map, size)
        } else {
            close(other)
        }
        #expect(remains.giveBack {})
    }

    @Test("a file whose environment is still open stays as it is")
    func stillOpen() throws {
        let environment = try folder.environment()
        try environment.put(["a": "1"])
        try FileManager.default.removeItem(atPath: folder.file())
        let remains = try #require(FileRemains(of: environment))
        #expect(!remains.giveBack {})
        #expect(try environment.text("a") == "1")
    }
}

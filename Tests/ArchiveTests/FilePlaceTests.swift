import FoundationEssentials
import TestSupport
import Testing

@testable import Archive

@Suite("Where paths lead")
struct FilePlaceTests {
    @Test("a folder is in another whether it is there or not, and by whatever way it is named")
    func inside() throws {
        let home = try TemporaryFolder()
        try FileManager.default.createDirectory(atPath: home.file("data"), withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(atPath: home.file("link"), withDestinationPath: home.file("data"))
        let data = FilePlace(home.file("data"))
        for path in ["data", "data/", "data/tiles", "data/a/b", "link/tiles", "data/../data/tiles"] {
            #expect(FilePlace(home.file(path)).isIn(data), "\(path)")
        }
        for path in ["", "tiles", "data2", "data2/tiles", "data/../tiles"] { #expect(!FilePlace(home.file(path)).isIn(data), "\(path)") }
    }

    @Test("tiles and replays are not written into the data folder that is only read")
    func refused() throws {
        let scratch = try Scratch()
        scratch.send(Scratch.Post("a"))
        _ = try scratch.archive.checkpoint().get()
        try scratch.close()
        #expect(throws: ArchiveFailure.self) { try TileTree(of: scratch.path, to: scratch.path + "/tiles") }
        #expect(throws: ArchiveFailure.self) { try Replay(of: scratch.path, to: scratch.path + "/replay") }
        #expect(!FileManager.default.fileExists(atPath: scratch.path + "/tiles"))
        try scratch.open()
    }

    @Test("what Foundation says of a file or of a description is told in words")
    func words() throws {
        let home = try TemporaryFolder()
        for text in ["", "{", "[]", "{}", #"{"format": "x"}"#] {
            try Data(text.utf8).write(to: URL(filePath: home.file("annals.json")))
            let said = try #require(failure { _ = try TileTree(of: home.path, to: "/elsewhere") })
            #expect(said.contains("is no description of an archive"))
            #expect(!said.contains("Error") && !said.contains("Context"), "\(said)")
        }
        let scratch = try Scratch()
        scratch.send(Scratch.Post("a"))
        _ = try scratch.archive.checkpoint().get()
        try scratch.close()
        let said = try #require(failure { _ = try TileTree(of: scratch.path, to: "/proc/tiles").write { _, _ in } })
        #expect(said.contains("cannot be written") && !said.contains("Error"), "\(said)")
        try scratch.open()
    }

    private func failure(_ work: () throws -> Void) -> String? {
        do { try work() } catch { return "\(error)" }
        return nil
    }
}

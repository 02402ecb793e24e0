import Glibc
import TestSupport
import Testing

@testable import Reception

@Suite("Socket file")
struct SocketFileTests {
    private let folder: TemporaryFolder
    private var path: String { folder.path + "/socket" }

    init() throws { folder = try TemporaryFolder.forSockets() }

    @Test("a new socket has its mode before anybody can connect, and goes when it is removed")
    func lifeOfAFile() throws {
        let (file, descriptor) = try SocketFile.bind(path: path, mode: 0o640, group: nil)
        defer { close(descriptor) }
        var status = stat()
        #expect(lstat(path, &status) == 0)
        #expect(status.st_mode == S_IFSOCK | 0o640)
        file.remove()
        #expect(lstat(path, &status) == -1)
    }

    @Test("a socket that nobody listens at is replaced")
    func stale() throws {
        close(try SocketFile.bind(path: path, mode: 0o600, group: nil).descriptor)
        let (file, descriptor) = try SocketFile.bind(path: path, mode: 0o600, group: nil)
        close(descriptor)
        file.remove()
    }

    @Test("a socket that somebody listens at is left alone")
    func inUse() throws {
        let (file, descriptor) = try SocketFile.bind(path: path, mode: 0o600, group: nil)
        defer { close(descriptor) }
        #expect(listen(descriptor, 1) == 0)
        let path = path
        #expect(throws: ListenerFailure.inUse(path: path)) { try SocketFile.bind(path: path, mode: 0o600, group: nil) }
        file.remove()
    }

    @Test("a file that is no socket is left alone")
    func notASocket() throws {
        close(open(path, O_CREAT | O_WRONLY, 0o600))
        let path = path
        #expect(throws: ListenerFailure.notASocket(path: path)) { try SocketFile.bind(path: path, mode: 0o600, group: nil) }
        #expect(access(path, F_OK) == 0)
    }

    @Test("a path that the system cannot take is told with its length")
    func tooLong() {
        let path = "/tmp/" + String(repeating: "x", count: 103)
        #expect(throws: ListenerFailure.pathTooLong(path: path, bytes: 108)) { try SocketFile.bind(path: path, mode: 0o600, group: nil) }
        #expect(throws: ListenerFailure.pathEmpty) { try SocketFile.bind(path: "", mode: 0o600, group: nil) }
    }

    @Test("another's file in the same place is not removed")
    func replaced() throws {
        let (file, descriptor) = try SocketFile.bind(path: path, mode: 0o600, group: nil)
        defer { close(descriptor) }
        unlink(path)
        close(open(path, O_CREAT | O_WRONLY, 0o600))
        file.remove()
        #expect(access(path, F_OK) == 0)
    }
}

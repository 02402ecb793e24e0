import Events
import FoundationEssentials
import Glibc
import Merkle
import TestSupport
import Testing

@testable import Ledger

/// Files under a tombstone's name that no version of Annals wrote.
@Suite("Hostile tombstones")
struct HostileTombstoneTests {
    private let folder: TemporaryFolder
    private let stones: Tombstones

    init() throws {
        folder = try TemporaryFolder()
        stones = try Tombstones(folder: folder.path, length: .day)
    }

    private var file: TombstoneFile { stones.file(of: january(1)) }

    private func refused(_ words: String, _ deed: () throws -> Void) {
        let failure = #expect(throws: LedgerFailure.self) { try deed() }
        #expect(failure.map { "\($0)".contains(words) } == true, "\(failure.map { "\($0)" } ?? "nothing")")
    }

    @Test("nothing is allocated because a trailer says so", arguments: [40, 42])
    func sparse(bits: Int) async throws {
        let path = file.path
        await #expect(processExitsWith: .success) { [path = path as String, bits = bits as Int] in
            let length = 1 << bits
            let descriptor = open(path, O_RDWR | O_CREAT, 0o600)
            try #require(descriptor >= 0 && ftruncate(descriptor, off_t(length)) == 0)
            // All of it is head, but for a leaf; or half of it.
            for headBytes in [length - 16 - 40 - 32, length / 2] {
                var trailer = [UInt8](repeating: 0, count: 40)
                for index in 0..<8 { trailer[index] = UInt8(truncatingIfNeeded: headBytes >> (8 * (7 - index))) }
                try #require(pwrite(descriptor, trailer, 40, off_t(length - 40)) == 40)
                #expect(throws: LedgerFailure.self) { try TombstoneFile(path: path).read(january(1)) }
            }
            close(descriptor)
        }
    }

    @Test("a pipe is refused and waited for by nobody, and so are a folder and a link")
    func kinds() throws {
        let (pipe, link) = (file.path, stones.file(of: january(2)).path)
        #expect(mkfifo(pipe, 0o600) == 0)
        // Held open, so that whoever opens it anyhow does not wait in this test for ever.
        let held = open(pipe, O_RDWR)
        defer { close(held) }
        refused("is no regular file") { _ = try file.read(january(1)) }
        refused("is no regular file") { _ = try Tombstones(folder: folder.path, length: .day) }
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: "/dev/zero")
        refused("symbolic link") { _ = try stones.file(of: january(2)).read(january(2)) }
        try FileManager.default.createDirectory(atPath: stones.file(of: january(3)).path, withIntermediateDirectories: false)
        refused("is no regular file") { _ = try stones.file(of: january(3)).read(january(3)) }
    }

    @Test("a failure says in words what is the matter")
    func words() throws {
        refused("No such file or directory") { _ = try file.read(january(1)) }
        var draft = try TombstoneDraft(of: january(1), at: stones.draft(of: january(1)))
        var totals = PartitionTotals(first: Position(1))
        for position in 1...3 as ClosedRange<UInt64> {
            try Array("record".utf8).withUnsafeBytes { try draft.add(Position(position), $0, isKept: false) }
            totals.last = Position(position)
            totals.events += 1
        }
        let stone = try draft.finish(totals)
        try stones.raise(stone)
        #expect(truncate(file.path, 60) == 0)
        refused("ends too early") { _ = try file.leaves(of: stone, Position(1)...Position(3)) }
    }
}

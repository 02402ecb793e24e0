import Events
import Foundation
import Glibc
import TestSupport
import Testing

@testable import Archive
@testable import ArchiveTests

/// Bits that flip at rest: a verification says so, or nobody ever sees another answer for it.
@Suite("Flipped bits")
struct FlippedBitTests {
    static let flips = SimulationTests.number("ANNALS_FLIPS") ?? 25

    @Test("a flipped bit is found by the verification, or it is where nothing is read")
    func areFound() throws {
        var random = SeededRandom(for: "flipped bits")
        let whole = try TemporaryFolder.inMemory()
        let told = try Self.history(seed: random.next(), into: whole.file("archive"))
        var found = 0
        for _ in 0..<Self.flips {
            let copy = try TemporaryFolder.inMemory()
            try FileManager.default.copyItem(atPath: whole.file("archive"), toPath: copy.file("archive"))
            let place = try Self.flip(in: copy.file("archive"), &random)
            if Self.isFound(copy.file("archive")) { found += 1 } else { try Self.expect(told, copy.file("archive"), place) }
        }
        print("flipped bits: \(Self.flips), of which \(found) were found and the others change no answer")
        #expect(found > 0)
    }

    /// Everything that the log says, and every body that there is.
    struct Told: Equatable {
        var events: [Event] = []
        var bodies: [[UInt8]?] = []

        init(_ archive: Archive) throws {
            events = try archive.events(EventsQuestion(from: .first, count: 10_000)).events
            for event in events {
                guard case .send(let send) = event.deed, let tenant = event.tenant else { continue }
                bodies.append(try archive.history(tenant: tenant, id: send.messageID)?.message.body)
            }
        }
    }

    /// Lets a history go by and leaves a copy of its folder, closed.
    private static func history(seed: UInt64, into path: String) throws -> Told {
        let simulation = try Simulation(seed: seed)
        let turn = simulation.run(0..<25)
        #expect(turn == nil, "\(simulation.wrong ?? "")")
        let told = try Told(simulation.world.scratch.archive)
        try simulation.world.scratch.close()
        try FileManager.default.copyItem(atPath: simulation.path, toPath: path)
        return told
    }

    /// Of a file that is drawn, whatever its size: small ones matter as much as large ones.
    private static func flip(in path: String, _ random: inout SeededRandom) throws -> String {
        let names = try #require(FileManager.default.enumerator(atPath: path)?.compactMap { $0 as? String })
        let files = names.filter { name in
            let isFolder = ["journal", "partitions", "vault", "audit"].contains(name)
            return !isFolder && name != "LOCK" && !name.hasSuffix("-lock")
        }
        // A crash leaves an empty draft of sums.
        let filled = files.filter { FileManager.default.contents(atPath: "\(path)/\($0)")?.isEmpty == false }
        let name = try #require(filled.sorted().randomElement(using: &random))
        var bytes = try #require(FileManager.default.contents(atPath: "\(path)/\(name)"))
        // Most of a journal is zeros, and means nothing.
        let bit = Int.random(in: 0..<8, using: &random)
        let drawn = (0..<20).map { _ in Int.random(in: bytes.indices, using: &random) }
        let byte = drawn.first { bytes[$0] != 0 } ?? drawn[0]
        bytes[byte] ^= 1 << bit
        let file = open("\(path)/\(name)", O_WRONLY | O_CLOEXEC)
        defer { close(file) }
        try #require(bytes.withUnsafeBytes { pwrite(file, $0.baseAddress, $0.count, 0) } == bytes.count)
        return "\(name), bit \(bit) of byte \(byte)"
    }

    private static func isFound(_ path: String) -> Bool {
        var options = AuditVerify.Options()
        options.isThorough = true
        options.rootKey = .file(path + "/vault/root.key")
        do {
            return try AuditVerify(of: path, options).run { _ in }.verdict != .sound
        } catch { return true }  // It does not even begin, and says why.
    }

    /// Only where nothing was found: LMDB ends the process at some damage.
    private static func expect(_ told: Told, _ path: String, _ place: String) throws {
        var options = ArchiveOptions(path: path)
        options.threads = .none
        options.mapBytes = 64 << 20
        options.diskReserveBytes = 0
        do {
            let (archive, appender) = try Archive.open(options) { Scratch.start }
            let now = try Told(archive)
            #expect(now.bodies == told.bodies && now.events.starts(with: told.events), "\(place)")
            try archive.close(appender)
        } catch { print("flipped bits: \(place): the archive does not start: \(error)") }
    }
}

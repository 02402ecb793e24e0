import Archive
import Events
import Foundation
import Logging
import NIOPosix
import Synchronization
import TestSupport

@testable import Reception

/// A door with a real archive behind it, in a temporary folder.
final class House: Sendable {
    let path: String
    private let folder: TemporaryFolder
    private let reception: Reception
    private let serving: Mutex<Task<Void, any Error>?>

    /// - Parameters:
    ///   - adjust: changes the defaults.
    static func open(_ adjust: (inout ReceptionOptions, inout ArchiveOptions) -> Void = { _, _ in }) async throws -> House {
        let folder = try TemporaryFolder.forSockets()
        let everyone = RightsOfUsers(importers: .everyone, administrators: .everyone, auditors: .everyone)
        var options = ReceptionOptions(socketPath: folder.path + "/socket", rights: everyone)
        var archive = ArchiveOptions(path: folder.path + "/data")
        adjust(&options, &archive)
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let reception = try await Reception.open(options, archive: archive, logger: logger) {
            Instant(milliseconds: Int64(Date().timeIntervalSince1970 * 1000))
        }
        let house = House(path: options.socketPath, folder: folder, reception: reception)
        // The file is there a moment before anybody listens.
        while !Caller.isAnswered(at: house.path) { await Task.yield() }
        return house
    }

    private init(path: String, folder: TemporaryFolder, reception: Reception) {
        self.path = path
        self.folder = folder
        self.reception = reception
        serving = Mutex(Task { try await reception.serve() })
    }

    /// Asks the door to close, as a signal does.
    func stop() { reception.stop() }

    /// Waits until the door is closed and the archive too.
    func close() async throws {
        stop()
        try await serving.withLock { $0 }?.value
        try await reception.close()
    }
}

/// Runs what blocks on a thread that may.
func away<Result: Sendable>(_ work: @escaping @Sendable () throws -> Result) async throws -> Result {
    try await NIOThreadPool.singleton.runIfActive(work)
}

/// Opens a house, lets a client that blocks do something with it, and closes it.
func withHouse<Result: Sendable>(
    _ adjust: (inout ReceptionOptions, inout ArchiveOptions) -> Void = { _, _ in }, _ work: @escaping @Sendable (House) throws -> Result
) async throws -> Result {
    let house = try await House.open(adjust)
    do {
        let result = try await away { try work(house) }
        try await house.close()
        return result
    } catch {
        try await house.close()
        throw error
    }
}

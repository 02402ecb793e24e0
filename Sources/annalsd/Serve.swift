import Archive
import ArgumentParser
import Events
import Foundation
import Logging
import Reception
import ServiceLifecycle
import UnixSignals

/// `annalsd [serve]`: opens the archive and serves clients until it is told to stop.
struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Serves clients at a Unix socket.",
        discussion: """
            Each setting counts from the first place that has it: its flag, its environment variable, the configuration file, its default.

            The configuration file is one JSON object whose keys are the settings' names:
            { "data": "/var/lib/annals", "socket": "/run/annals/annals.sock", "auditors": [0, 1000] }

            SIGTERM, SIGINT and the command SHUTDOWN stop the daemon: everything accepted is answered. A second signal ends it at once.
            Exit codes: 0 stopped, 1 something failed, 2 a setting or flag makes no sense.
            """)

    @Option(help: ArgumentHelp("A configuration file.", discussion: "Default: none. Environment: ANNALS_CONFIG.", valueName: "path"))
    var config: String?

    @Flag(help: "Print every setting with its value and where that comes from, and exit.")
    var printConfig = false

    @OptionGroup(title: "Settings")
    var flags: Flags

    mutating func run() async throws {
        let settings = try Settings.read(flags: flags.given, config: config)
        if printConfig { return print(settings.listing) }
        var archiveOptions = try Self.checking { () throws(SettingFailure) in try settings.archiveOptions() }
        archiveOptions.reached = FailPoints.ofTheEnvironment()
        try CrashReports.leaveOutContent()
        var logger = Logger(label: "annalsd") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = settings.logLevel
        let reception = try await Self.failing {
            try await Reception.open(settings.receptionOptions(), archive: archiveOptions, logger: logger, clock: Self.now)
        }
        try await Self.failing { try await Self.run(reception, logger) }
    }

    /// Services in the order of the floors: the door closes first, then the archive.
    private static func run(_ reception: Reception, _ logger: Logger) async throws {
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [
                    .init(service: ArchiveService(reception: reception, logger: logger), successTerminationBehavior: .ignore),
                    .init(
                        service: DoorService(reception: reception), successTerminationBehavior: .gracefullyShutdownGroup,
                        failureTerminationBehavior: .gracefullyShutdownGroup),
                ],
                logger: logger))
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            // Before anybody can see that the daemon listens, and ask it to stop.
            let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint)
            tasks.addTask { await Signals.watch(signals, group, logger) }
            try await group.run()
            tasks.cancelAll()
        }
    }

    private static func checking<Result>(_ work: () throws(SettingFailure) -> Result) throws(StartFailure) -> Result {
        do { return try work() } catch { throw .settings(error) }
    }

    private static func failing<Result>(_ work: () async throws -> Result) async throws(StartFailure) -> Result {
        do { return try await work() } catch { throw .failed("\(error)") }
    }

    /// The one clock of the house.
    @Sendable static func now() -> Instant {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Instant(milliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
    }
}

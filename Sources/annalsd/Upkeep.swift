import Archive
import ArgumentParser
import Events
import Foundation
import Glibc

/// `annalsd rebuild`: all projections anew, out of the trail alone.
struct RebuildProjections: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rebuild",
        abstract: "Builds all indexes and the state file anew out of the log, while no daemon runs.",
        discussion: "For when a table of them is damaged. The log itself is only read. It can be stopped at any time and run again.")

    @OptionGroup var folder: OfflineOptions

    func run() throws {
        let isTerminal = isatty(STDERR_FILENO) == 1
        var events = 0
        try Rebuild(of: folder.options(hasKeys: false)).run { progress in
            events = progress.events
            if isTerminal { Self.show("\r\(progress.partitionsDone)/\(progress.partitions)  \(progress.partition)  \(events) events") }
        }
        if isTerminal { Self.show("\n") }
        print("rebuilt: \(events) events")
    }

    private static func show(_ text: String) { FileHandle.standardError.write(Data(text.utf8)) }
}

/// `annalsd digest`: the digest of everything projected, while no daemon runs.
struct PrintDigest: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "digest",
        abstract: "Prints the log's end and the digest of all projections, while no daemon runs.",
        discussion: """
            Before and after 'annalsd rebuild' it is the same; a running daemon tells it with the command DIGEST.
            Folds what is still in the journal. Bodies are not opened, but the archive is, so it needs the settings of the keys.
            """)

    @OptionGroup var folder: OfflineOptions

    func run() throws {
        let options = try folder.options()
        guard FileManager.default.fileExists(atPath: options.path + "/annals.json") else {
            throw StartFailure.failed("\(options.path) holds no annals.json, so it is no archive; name the folder of the daemon")
        }
        try CrashReports.leaveOutContent()
        let (archive, appender) = try Archive.open(options, clock: Serve.now)
        let digest = try archive.digest().get()
        try archive.close(appender)
        print("\(digest.position.rawValue) \(digest.bytes.hexText)")
    }
}

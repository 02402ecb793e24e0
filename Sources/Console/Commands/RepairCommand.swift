import Archive
package import ArgumentParser
import Glibc

/// `annals repair`
package struct RepairCommand: ParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "repair",
        abstract: "Make a damaged partition's file anew, while no daemon runs.",
        discussion: """
            Takes records and bodies out of what can be read of the file, and out of a copy from a backup or another data folder (--from). \
            Each record must be the one that the audit tree was made of; each body is opened and compared with its record where the root key \
            is at hand. What a purge destroyed does not come back. The indexes are worked out anew: where only an index is damaged, no copy \
            is needed.

            The damaged file is replaced when the new one is whole, and not before. With --dry-run it is not replaced.
            """)

    @Argument(help: .init("The data folder.", valueName: "data"), completion: .directory) var folder: String
    @Argument(help: "The partition, as annals partitions shows it.") var partition: String
    @Option(help: .init("A data folder, or a copy of one, that has the partition.", valueName: "folder"), completion: .directory)
    var from: String?
    @Flag(help: "Take events behind the last checkpoint as they are, for which nothing vouches.") var unsigned = false
    @Flag(help: "Do everything but replace the file.") var dryRun = false
    @OptionGroup var rootKey: RootKeyOptions
    @Flag(help: "Answer in JSON.") var json = false

    package init() {}

    package func validate() throws {
        if from?.isEmpty == true { throw ValidationError("--from names no folder; give its path, or leave it out.") }
    }

    package func run() throws {
        let report = try report()
        let view = RepairView(report, partition: partition, isDryRun: dryRun)
        try Output.standard.write(json ? view.json.text + "\n" : view.text(on: Output.standard.surface))
    }

    private func report() throws(Trouble) -> Repair.Report {
        var line = ProgressLine(isShown: !json)
        do throws(ArchiveFailure) {
            let report = try Repair(of: folder, options).run { done, total in
                if line.isShown { line.draw(ProgressBar(deed: "repairing", done: done, total: total, seconds: line.seconds)) }
            }
            line.clear()
            return report
        } catch {
            line.clear()
            throw Trouble(.input, Harmless.line(Harmless.text("\(error)")))
        }
    }

    private var options: Repair.Options {
        var options = Repair.Options(partition: partition)
        options.source = from
        options.takesUnsigned = unsigned
        options.isDryRun = dryRun
        options.rootKey = rootKey.placeIfAny(in: folder)
        return options
    }
}

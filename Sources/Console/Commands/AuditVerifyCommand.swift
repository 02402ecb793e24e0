import Archive
package import ArgumentParser
import Glibc

/// `annals audit verify`
package struct AuditVerifyCommand: ParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Verify a data folder or a copy of it, without the daemon, without keys, and without changing anything.",
        discussion: """
            Reads every record: whether none is missing, whether each can be read, whether they make the roots that checkpoints were signed \
            for, and whether each body is there or was destroyed with a receipt. A daemon may have the folder open meanwhile; then what was \
            folded at the beginning is verified.

            Damaged is what is missing or cannot be read; tampered is what can be read and is not what was signed, or not what the log \
            says of itself. Whoever can write to the folder can also change the checkpoints in it: give those that were kept elsewhere \
            with --checkpoints, and the key that you know with --key.
            """)

    @Argument(help: .init("The data folder. Default: $ANNALS_DATA.", valueName: "data"), completion: .directory) var folder: String?
    @Option(
        name: .customLong("checkpoints"), parsing: .singleValue,
        help: .init("A file of checkpoints that was kept elsewhere. May be given several times.", valueName: "path"))
    var checkpoints: [String] = []
    @Option(
        name: .customLong("key"), parsing: .singleValue,
        help: .init("A public key of the log that is known from elsewhere, instead of those in the folder.", valueName: "name+id+base64"))
    var keys: [String] = []
    @Option(
        help: .init(
            "The shortest cool-off that the daemon ever had: a shortening that took effect sooner is found. Default: 0, which claims nothing.",
            valueName: "hours"))
    var coolOffHours = 0
    @Flag(help: "Look at each body, open it, and compare it with its record's commitment. Needs the root key.") var bodies = false
    @OptionGroup var rootKey: RootKeyOptions
    @Flag(help: "Answer in JSON.") var json = false

    package init() {}

    package func validate() throws {
        guard (0...ArchiveOptions.coolOffHoursMax).contains(coolOffHours) else {
            throw ValidationError("--cool-off-hours is a number from 0 to \(ArchiveOptions.coolOffHoursMax).")
        }
        guard bodies || !rootKey.areGiven else {
            throw ValidationError("A root key is needed only to open bodies; give --bodies as well, or leave it out.")
        }
    }

    package func run() throws {
        guard let path = folder ?? getenv("ANNALS_DATA").map({ String(cString: $0) }) else {
            throw ValidationError("Which archive? Name its data folder, or set ANNALS_DATA.")
        }
        let report = try report(of: path)
        let view = AuditReportView(report, of: path)
        try Output.standard.write(json ? view.json.text + "\n" : view.text(on: Output.standard.surface))
        switch report.verdict {
        case .sound:
            guard let why = report.stateUncompared, !report.isLive else { return }
            throw Trouble(.input, "nothing was found, but the tables of state.mdb could not be compared with the records: \(why)")
        // Everything is said already.
        case .damaged: throw Trouble(.damaged, "")
        case .tampered: throw Trouble(.tampered, "")
        }
    }

    private func report(of path: String) throws(Trouble) -> AuditReport {
        var line = ProgressLine(isShown: !json)
        do throws(ArchiveFailure) {
            var phase = AuditProgress()
            let report = try AuditVerify(of: path, options(path)).run { progress in
                if line.isShown { line.draw(phase.bar(progress, seconds: line.seconds)) }
            }
            line.clear()
            return report
        } catch {
            line.clear()
            throw Trouble(.input, Harmless.line(Harmless.text("\(error)")))
        }
    }

    private func options(_ path: String) -> AuditVerify.Options {
        var options = AuditVerify.Options()
        options.checkpointFiles = checkpoints
        options.keys = keys
        options.coolOffMillisecondsLeast = Int64(coolOffHours) * 3_600_000
        guard bodies else { return options }
        options.isThorough = true
        options.rootKey = rootKey.place(in: path)
        return options
    }
}

/// What a verification tells on its way, as the bar of the phase that it is in.
struct AuditProgress {
    private var since = 0.0
    private var isReading = true

    mutating func bar(_ progress: AuditVerify.Progress, seconds: Double) -> ProgressBar {
        switch progress {
        case .records(let done, let total):
            return ProgressBar(deed: "reading records", done: Int(done), total: Int(total), seconds: seconds)
        case .partitions(let done, let total):
            if isReading { (isReading, since) = (false, seconds) }
            return ProgressBar(deed: "looking at partitions", done: done, total: total, seconds: seconds - since)
        }
    }
}

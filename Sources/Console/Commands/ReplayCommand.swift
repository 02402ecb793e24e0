import Archive
package import ArgumentParser
import Events
import Glibc

/// `annals replay`
package struct ReplayCommand: ParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "replay",
        abstract: "Build all projections anew out of the log alone, up to a moment, and say what was what then.",
        discussion: """
            Of a data folder or a copy of it, which is only read; a daemon may have it open. Prints a digest, which is the one that the \
            daemon gave at that position ('annals digest'), and by tenant how many messages were visible, hidden, expired, held and purged. \
            No key is needed, and no content is read.
            """)

    @Argument(help: .init("The data folder. Default: $ANNALS_DATA.", valueName: "data"), completion: .directory) var folder: String?
    @Option(
        name: .customLong("asof"),
        help: .init("The log as it stood at this moment (\(Moment.forms)), or at #position. Default: its end.", valueName: "moment"))
    var asOf: String?
    @Option(
        name: .customLong("to"),
        help: .init("Keep what is built, in this folder, which must not be there yet: a data folder without bodies.", valueName: "path"))
    var target: String?
    @Flag(help: "Every message with its state, and who hid it: JSON, one message a line.") var messages = false
    @Flag(help: "Answer in JSON.") var json = false
    @Flag(help: "Show and read times in UTC rather than in the local zone.") var utc = false

    package init() {}

    package func validate() throws {
        if target?.isEmpty == true { throw ValidationError("--to names no folder; give its path, or leave it out.") }
    }

    package func run() throws {
        guard let path = folder ?? getenv("ANNALS_DATA").map({ String(cString: $0) }) else {
            throw ValidationError("Which archive? Name its data folder, or set ANNALS_DATA.")
        }
        let moment = try moment()
        if let target { return try show(try log(of: path, moment, at: target)) }
        let home = try TemporaryHome(named: "annals-replay")
        do {
            try show(try log(of: path, moment, at: home.path + "/replay"))
        } catch {
            try home.remove()
            throw error
        }
        try home.remove()
    }

    private func moment() throws(ValidationError) -> Replay.Moment {
        guard let asOf else { return .now }
        guard let moment = Moment(asOf, now: Zone.now(), in: utc ? .utc : .local) else {
            throw ValidationError("--asof cannot be '\(asOf)'. Write \(Moment.forms), or #17 for a position.")
        }
        switch moment {
        case .time(let time): return .time(time)
        case .position(let position): return .position(Position(position))
        }
    }

    private func log(of path: String, _ moment: Replay.Moment, at target: String) throws(Trouble) -> ReplayedLog {
        var line = ProgressLine(isShown: !json && !messages)
        do throws(ArchiveFailure) {
            let log = try Replay(of: path, to: target).run(until: moment) { done, total in
                if line.isShown {
                    line.draw(ProgressBar(deed: "replaying", done: Int(done), total: Int(total), seconds: line.seconds))
                }
            }
            line.clear()
            return log
        } catch {
            line.clear()
            throw Trouble(.input, Harmless.line(Harmless.text("\(error)")))
        }
    }

    private func show(_ log: ReplayedLog) throws(Trouble) {
        let view = ReplayView(log, View(surface: Output.standard.surface, zone: utc ? .utc : .local))
        do {
            if messages { return try log.forEachMessage { try Output.standard.write(ReplayView.json($0).text + "\n") } }
            let tallies = try log.tallies()
            try Output.standard.write(json ? view.json(tallies).text + "\n" : view.text(tallies))
        } catch let trouble as Trouble {
            throw trouble
        } catch { throw Trouble(.input, Harmless.line(Harmless.text("\(error)"))) }
    }
}

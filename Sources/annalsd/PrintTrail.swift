import Archive
import ArgumentParser
import Events
import Foundation
import Reception

/// `annalsd trail`: the log without its content, of a folder that no daemon has open.
struct PrintTrail: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "trail",
        abstract: "Prints the log's events, without any key, while no daemon runs.",
        discussion: """
            Of the data folder of a daemon that is stopped, or of a copy, which may lie on a medium that cannot be written. Nothing is
            changed, and neither root key nor keyring is asked for: it tells who, what, where and when, and no body.
            """)

    @Option(help: ArgumentHelp("The data folder.", discussion: "Environment: ANNALS_DATA.", valueName: "path"))
    var data: String?
    @Option(help: ArgumentHelp("The first position.", valueName: "position")) var from: UInt64 = 1
    @Option(help: ArgumentHelp("The last position.", valueName: "position")) var to: UInt64 = .max
    @Flag(help: "JSON, an object a line, with the wire's names: times are ms since 1970.") var json = false

    func validate() throws {
        guard from > 0, from <= to else { throw ValidationError("--from must be 1 or more, and not behind --to") }
    }

    func run() throws {
        guard let path = data ?? ProcessInfo.processInfo.environment["ANNALS_DATA"] else {
            throw StartFailure.settings(SettingFailure(sentence: "data is not given, so which archive? Name its folder with --data"))
        }
        let trail = try OfflineTrail(of: path)
        if !json { print(EventText.heading) }
        try trail.forEach(in: Position(from)...Position(to)) { event in
            let text = EventText(event)
            print(json ? text.json : text.line)
        }
    }
}

import Archive
package import ArgumentParser
import Glibc

/// `annals audit tiles`
package struct AuditTilesCommand: ParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "tiles",
        abstract: "Write the log's tree as files for a static web server: tiles, entry bundles and checkpoint (c2sp.org/tlog-tiles).",
        discussion: """
            Of the newest checkpoint in the data folder, which is only read; a daemon may have it open. Run again, it writes what came since, \
            and anew what no longer is what it must be; a folder with the tiles of another log is refused. \
            Entries are the events' records: who, what, where and when, and no content. Serve them only to whom that may be shown.
            """)

    @Argument(help: .init("The folder for the tiles. Made if it is not there.", valueName: "folder"), completion: .directory)
    var target: String
    @Option(help: .init("The data folder. Default: $ANNALS_DATA.", valueName: "path")) var data: String?
    @Flag(help: "Answer in JSON.") var json = false

    package init() {}

    package func validate() throws {
        if target.isEmpty { throw ValidationError("Name the folder for the tiles; an empty name is none.") }
    }

    package func run() throws {
        guard let path = data ?? getenv("ANNALS_DATA").map({ String(cString: $0) }) else {
            throw ValidationError("Which archive? Name its data folder with --data, or set ANNALS_DATA.")
        }
        let summary = try write(path)
        try Output.standard.write(json ? Self.json(summary).text + "\n" : Self.text(summary, on: Output.standard.surface))
    }

    private func write(_ path: String) throws(Trouble) -> TileTree.Summary {
        var line = ProgressLine(isShown: !json)
        do throws(ArchiveFailure) {
            let summary = try TileTree(of: path, to: target).write { done, total in
                guard line.isShown else { return }
                line.draw(ProgressBar(deed: "writing tiles", done: Int(done), total: Int(total), seconds: line.seconds))
            }
            line.clear()
            return summary
        } catch {
            line.clear()
            throw Trouble(.input, Harmless.line(Harmless.text("\(error)")))
        }
    }

    private static func text(_ summary: TileTree.Summary, on surface: Surface) -> String {
        var rows = [
            (label: "size", value: Table.Cell(Figures.count(Int(summary.size)))),
            (label: "tiles written", value: Table.Cell(Figures.count(summary.tilesWritten))),
            (label: "entry bundles written", value: Table.Cell(Figures.count(summary.bundlesWritten))),
        ]
        if summary.bundlesLeftOut > 0 {
            rows.append(
                (
                    label: "left out",
                    value: Table.Cell("\(Figures.count(summary.bundlesLeftOut)) bundles: a record in them has left the log, or is too long")
                ))
        }
        if !summary.replaced.isEmpty { rows.append((label: "written anew", value: Table.Cell(replaced(summary), tone: .bad))) }
        return View(surface: surface, zone: .utc).card(rows)
    }

    private static func replaced(_ summary: TileTree.Summary) -> String {
        let named = summary.replaced.prefix(namesMax).joined(separator: ", ")
        let rest = summary.replaced.count - namesMax
        return "\(named)\(rest > 0 ? " and \(Figures.count(rest)) more" : ""), which held something else"
    }

    private static let namesMax = 5

    private static func json(_ summary: TileTree.Summary) -> JSON {
        .object([
            .init("size", .integer(Int64(clamping: summary.size))), .init("tiles", .integer(Int64(summary.tilesWritten))),
            .init("bundles", .integer(Int64(summary.bundlesWritten))), .init("left-out", .integer(Int64(summary.bundlesLeftOut))),
            .init("replaced", .array(summary.replaced.map { .string($0) })),
        ])
    }
}

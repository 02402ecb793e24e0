package import ArgumentParser

/// The words of the command line `annals`.
package struct AnnalsCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "annals",
        abstract: "Append, read and look after chat messages kept by annalsd.",
        discussion: """
            On a terminal, answers are tables; in a file or a pipe the same without colours, one line a row. NO_COLOR turns colours off. \
            --json is for programs; bytes that are not UTF-8, such as a picture's body, are then in base64 under body-base64.

            Exit codes:
            \(EndStatus.table)

            Shell completions: annals --generate-completion-script bash (or zsh, fish).
            """,
        version: "0.1.0",
        subcommands: [
            ImportCommand.self, SendCommand.self, DeleteCommand.self, TimelineCommand.self, MessageCommand.self, HistoryCommand.self,
            EventsCommand.self, RetentionCommand.self, HoldCommand.self, PurgeCommand.self, CompactCommand.self, RepairCommand.self,
            AuditCommand.self,
            ReplayCommand.self, DiffCommand.self,
            PartitionsCommand.self, StatusCommand.self, DigestCommand.self, ShutdownCommand.self,
        ])

    package init() {}

    /// Runs the command line and returns how the process ends.
    package static func execute(_ arguments: [String]) async -> Int32 {
        Interruption.ignoreBrokenPipes()
        var type: any ParsableCommand.Type = AnnalsCommand.self
        do {
            var command = try await asyncParseAsRoot(arguments)
            type = Swift.type(of: command)
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
            return EndStatus.done.rawValue
        } catch {
            return say(Ending(error, of: type))
        }
    }

    /// The last words of a command that did not simply succeed.
    package struct Ending: Equatable, Sendable {
        package var status: Int32
        package var text: String

        /// - Parameter command: what ran, whose usage is shown; of what does not parse the parser knows it.
        package init(_ error: any Error, of command: any ParsableCommand.Type = AnnalsCommand.self) {
            if let trouble = error as? Trouble {
                status = trouble.status.rawValue
                text = trouble.sentence.isEmpty ? "" : "annals: \(trouble.sentence)"
                return
            }
            let code = AnnalsCommand.exitCode(for: error)
            // Help, version and completion scripts are "errors" of the parser, too.
            text = (error as? ValidationError).map { Self.text($0, command) } ?? AnnalsCommand.fullMessage(for: error)
            status = code == .validationFailure ? EndStatus.usage.rawValue : code.rawValue
        }

        /// As the parser writes it, who would show the root's usage for what only a running command finds.
        private static func text(_ error: ValidationError, _ command: any ParsableCommand.Type) -> String {
            let usage = AnnalsCommand.usageString(for: command)
            let name = usage.split(separator: " ").prefix { !"<[-(".contains($0.first ?? "<") }.joined(separator: " ")
            return "Error: \(error.message)\nUsage: \(usage)\n  See '\(name) --help' for more information."
        }
    }

    private static func say(_ ending: Ending) -> Int32 {
        let output = ending.status == EndStatus.done.rawValue ? Output.standard : Output.errors
        do throws(Trouble) {
            if !ending.text.isEmpty { try output.write(ending.text + "\n") }
            return ending.status
        } catch {
            // Where even the last words cannot be written, the exit code is all there is left to say.
            return error.status == .done ? ending.status : error.status.rawValue
        }
    }
}

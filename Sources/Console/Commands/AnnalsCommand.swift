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
            EventsCommand.self, RetentionCommand.self, HoldCommand.self, PurgeCommand.self, CompactCommand.self, AuditCommand.self,
            ReplayCommand.self, DiffCommand.self,
            PartitionsCommand.self, StatusCommand.self, DigestCommand.self, ShutdownCommand.self,
        ])

    package init() {}

    /// Runs the command line and returns how the process ends.
    package static func execute(_ arguments: [String]) async -> Int32 {
        Interruption.ignoreBrokenPipes()
        do {
            var command = try await asyncParseAsRoot(arguments)
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
            return EndStatus.done.rawValue
        } catch {
            return say(Ending(error))
        }
    }

    /// The last words of a command that did not simply succeed.
    package struct Ending: Equatable, Sendable {
        package var status: Int32
        package var text: String

        package init(_ error: any Error) {
            if let trouble = error as? Trouble {
                status = trouble.status.rawValue
                text = trouble.sentence.isEmpty ? "" : "annals: \(trouble.sentence)"
                return
            }
            let code = AnnalsCommand.exitCode(for: error)
            // Help, version and completion scripts are "errors" of the parser, too.
            text = AnnalsCommand.fullMessage(for: error)
            status = code == .validationFailure ? EndStatus.usage.rawValue : code.rawValue
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

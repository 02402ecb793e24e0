import ArgumentParser
import Foundation
import Glibc
import Reception

/// The daemon's command line.
@main
struct Annalsd: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "annalsd",
        abstract: "Keeps chat messages: durable, expiring, accountable.",
        version: Reception.version,
        subcommands: [
            Serve.self, RebuildProjections.self, PrintDigest.self, PrintTrail.self, MakeEscrowKey.self, OpenEscrow.self,
            RotateSigningKey.self,
        ],
        defaultSubcommand: Serve.self)

    /// As ArgumentParser's own, but for the exit code: 2 for a call that makes no sense, 1 for everything that went wrong.
    static func main() async {
        // What a daemon can be told is what one asks it for, so the settings are not hidden behind a subcommand's help.
        if ["--help", "-h"].contains(CommandLine.arguments.dropFirst().first) {
            print(helpMessage(for: Serve.self) + "\n\n" + otherSubcommands)
            return
        }
        do {
            var command = try parseAsRoot()
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch let failure as StartFailure {
            write(failure.description)
            Glibc.exit(failure.exitCode)
        } catch {
            end(with: error)
        }
    }

    private static var otherSubcommands: String {
        let others = configuration.subcommands.filter { $0 != Serve.self }
        return "OTHER SUBCOMMANDS (annalsd help <subcommand> tells more):\n"
            + others.map { "  \($0._commandName)\n        \($0.configuration.abstract)" }.joined(separator: "\n")
    }

    private static func end(with error: any Error) -> Never {
        let code = exitCode(for: error)
        if code.isSuccess {
            print(message(for: error))
            Glibc.exit(0)
        }
        if code == .validationFailure {
            write(fullMessage(for: error))
            Glibc.exit(StartFailure.usage)
        }
        write("annalsd: \(error)")
        Glibc.exit(1)
    }

    private static func write(_ text: String) {
        FileHandle.standardError.write(Data((text + "\n").utf8))
    }
}

/// Why the daemon does not start. The sentence says what to change.
enum StartFailure: Error, CustomStringConvertible {
    case settings(SettingFailure)
    case configFile(path: String, reason: String)
    case failed(String)

    static let usage: Int32 = 2

    var exitCode: Int32 {
        switch self {
        case .settings, .configFile: Self.usage
        case .failed: 1
        }
    }

    var description: String {
        switch self {
        case .settings(let failure): "annalsd: \(failure)"
        case .configFile(let path, let reason): "annalsd: the configuration file \(path) \(reason)"
        case .failed(let sentence): "annalsd: \(sentence)"
        }
    }
}

import Archive
import ArgumentParser
import Glibc

/// Where a command that runs without the daemon finds the root key.
package struct RootKeyOptions: ParsableArguments {
    @Option(help: .init("The file of the root key. Default: vault/root.key in the data folder.", valueName: "path"))
    var rootKeyFile: String?
    @Option(help: .init("The program that keeps the root key, with its arguments, as the daemon is told.", valueName: "command"))
    var rootKeyCommand: String?

    package init() {}

    package func validate() throws {
        guard rootKeyFile == nil || rootKeyCommand == nil else {
            throw ValidationError("--root-key-file and --root-key-command exclude each other.")
        }
        if let rootKeyCommand, Self.words(of: rootKeyCommand).isEmpty {
            throw ValidationError("--root-key-command names no program; give its path, and its arguments behind it.")
        }
        if rootKeyFile?.isEmpty == true { throw ValidationError("--root-key-file names no file; give its path.") }
    }

    var areGiven: Bool { rootKeyFile != nil || rootKeyCommand != nil }

    /// The one that is named, or else the data folder's own file, whether it is there or not.
    func place(in folder: String) -> AuditVerify.Options.RootKeyPlace {
        if let rootKeyCommand { return .command(Self.words(of: rootKeyCommand)) }
        return .file(rootKeyFile ?? Self.own(of: folder))
    }

    /// The same; nil where none is named and the folder has none.
    func placeIfAny(in folder: String) -> AuditVerify.Options.RootKeyPlace? {
        areGiven || access(Self.own(of: folder), F_OK) == 0 ? place(in: folder) : nil
    }

    private static func own(of folder: String) -> String { folder + "/vault/root.key" }

    private static func words(of command: String) -> [String] { command.split(separator: " ").map(String.init) }
}

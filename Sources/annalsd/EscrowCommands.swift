import ArgumentParser
import Events
import Foundation
import Vault

/// `annalsd escrow-key`: a key pair for the escrow, made where the secret shall stay.
struct MakeEscrowKey: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "escrow-key",
        abstract: "Makes a key pair for the escrow, and prints the public key.",
        discussion: """
            Run it on another machine than the daemon's. The secret key is written to a new file, mode 0600: keep it apart from everything
            else, and keep a second copy of it. The public key is for the daemon's setting escrow-public-key.
            """)

    @Option(name: .customLong("to"), help: ArgumentHelp("The file of the secret key. It must not be there yet.", valueName: "path"))
    var path: String

    func run() throws {
        try CrashReports.leaveOutContent()
        print(try EscrowSecretKey.make(to: path).publicKey)
    }
}

/// `annalsd escrow-open`: keyring and root key out of an escrow.
struct OpenEscrow: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "escrow-open",
        abstract: "Restores keyring and root key from an escrow.",
        discussion: """
            Writes the files keyring and root.key, mode 0600, to a folder: to that of a daemon that is stopped (its data folder's vault), or
            to another one. Nothing is written over. With root-key-command or root-key-credential the root key goes there instead, or with
            root-key-file to that file.
            """)

    @Argument(help: ArgumentHelp("The escrow.", valueName: "escrow"))
    var escrow: String
    @Option(help: ArgumentHelp("The file of the secret key.", valueName: "path"))
    var key: String
    @Option(name: .customLong("to"), help: ArgumentHelp("The folder for what is restored. Made if it is not there.", valueName: "path"))
    var folder: String
    @Flag(
        help: ArgumentHelp(
            "Give up what was sealed under keys that came after the escrow.",
            discussion: "For where a start said that the keyring lacks keys, and there is no newer escrow: those messages are purged then.")
    )
    var giveUpLaterKeys = false
    @Option(help: Setting.rootKeyFile.help) var rootKeyFile: String?
    @Option(help: Setting.rootKeyCredential.help) var rootKeyCredential: String?
    @Option(help: Setting.rootKeyCommand.help) var rootKeyCommand: String?

    func run() throws {
        try CrashReports.leaveOutContent()
        let opened = try OpenedEscrow(opening: escrow, with: EscrowSecretKey(readingFrom: key))
        var folder = folder
        while folder.count > 1, folder.hasSuffix("/") { folder.removeLast() }
        try opened.restore(to: folder, root: rootKey(), givesUpLaterKeys: giveUpLaterKeys)
        print("restored: archive \(opened.instance), \(opened.keys) keys, as of \(opened.madeAt)")
    }

    private func rootKey() throws(StartFailure) -> (any RootKeySource)? {
        let given = [
            Setting.rootKeyFile.name: rootKeyFile, Setting.rootKeyCredential.name: rootKeyCredential,
            Setting.rootKeyCommand.name: rootKeyCommand,
        ].compactMapValues { $0 }
        if given.isEmpty { return nil }
        do {
            // The environment is the daemon's; here only what is said counts.
            let settings = try Settings(flags: given, environment: [:], file: nil, without: [Setting.data.name, Setting.socket.name])
            return try settings.rootKey(dataFolder: folder)
        } catch { throw .settings(error) }
    }
}

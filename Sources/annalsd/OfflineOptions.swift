import Archive
import ArgumentParser
import Foundation

/// Which archive, and where its keys are: the settings of serving, for commands that run while no daemon does.
struct OfflineOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The daemon's configuration file.", discussion: "Environment: ANNALS_CONFIG.", valueName: "path"))
    var config: String?
    @Option(help: Setting.data.help) var data: String?
    @Option(help: Setting.rootKeyFile.help) var rootKeyFile: String?
    @Option(help: Setting.rootKeyCredential.help) var rootKeyCredential: String?
    @Option(help: Setting.rootKeyCommand.help) var rootKeyCommand: String?
    @Option(help: Setting.escrowFile.help) var escrowFile: String?
    @Option(help: Setting.escrowPublicKey.help) var escrowPublicKey: String?
    @Option(help: Setting.signingKeyFile.help) var signingKeyFile: String?

    private var given: [String: String] {
        let all: [(Setting, String?)] = [
            (.data, data), (.rootKeyFile, rootKeyFile), (.rootKeyCredential, rootKeyCredential), (.rootKeyCommand, rootKeyCommand),
            (.escrowFile, escrowFile), (.escrowPublicKey, escrowPublicKey), (.signingKeyFile, signingKeyFile),
        ]
        return Dictionary(uniqueKeysWithValues: all.compactMap { setting, text in text.map { (setting.name, $0) } })
    }

    func options(hasKeys: Bool = true) throws(StartFailure) -> ArchiveOptions {
        let settings = try Settings.read(flags: given, config: config, without: [Setting.socket.name])
        do { return try settings.archiveOptions(hasKeys: hasKeys) } catch { throw .settings(error) }
    }
}

extension Settings {
    /// From flags, the environment and the configuration file.
    static func read(flags: [String: String], config: String?, without unneeded: [String] = []) throws(StartFailure) -> Settings {
        let environment = ProcessInfo.processInfo.environment
        var file: (path: String, values: [String: String])?
        if let path = config ?? environment["ANNALS_CONFIG"] { file = (path, try ConfigFile.read(path)) }
        do {
            return try Settings(flags: flags, environment: environment, file: file, without: unneeded)
        } catch { throw .settings(error) }
    }
}

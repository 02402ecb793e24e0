import Archive
import ArgumentParser

/// `annalsd rotate-signing-key`: another key for checkpoints, from the next one on.
struct RotateSigningKey: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rotate-signing-key",
        abstract: "Makes a new key for signing checkpoints, while no daemon runs, and prints its public half.",
        discussion: """
            The old public key stays in the list, since what it signed stays true: give the new one to all who check. Also for when the
            secret key is lost.
            """)

    @OptionGroup var folder: OfflineOptions

    func run() throws {
        try CrashReports.leaveOutContent()
        print(try SigningKeyRotation.run(folder.options(hasKeys: false)))
    }
}

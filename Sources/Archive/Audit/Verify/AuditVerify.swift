import Events
import Glibc
import Merkle
import Projections
import Vault

/// Verifies a data folder, or a copy of one, without changing anything in it: whether every record is there and can be read, whether the
/// audit tree over them has the roots that were signed, and whether each body is there, or gone with a receipt.
///
/// The records are read once, in segments of 65,536, on all cores; then each partition is looked at by itself.
package struct AuditVerify: Sendable {
    private let files: LogFiles
    private let folder: AuditFolder
    private let options: Options

    package struct Options: Sendable {
        /// Checkpoints that were kept elsewhere: with them it is found that the log's end was cut off.
        package var checkpointFiles: [String] = []
        /// Public keys that are known from elsewhere, as `name+id+base64`; none: those that the folder lists are believed.
        package var keys: [String] = []
        /// Looks at each body by itself, and not only at its length and the number of its key.
        package var isThorough = false
        /// No daemon of this log ever had a shorter cool-off. The log does not say which it was, so 0 claims nothing.
        package var coolOffMillisecondsLeast: Int64 = 0
        /// Where the root key is: with it each body is opened, and compared with its commitment.
        package var rootKey: RootKeyPlace?

        package enum RootKeyPlace: Sendable {
            case file(String)
            case command([String])

            var source: any RootKeySource {
                switch self {
                case .file(let path): RootKeyFile(path)
                case .command(let words): RootKeyCommand(words)
                }
            }
        }

        package init() {}
    }

    /// How far it is.
    package enum Progress: Sendable {
        case records(done: UInt64, of: UInt64)
        case partitions(done: Int, of: Int)
    }

    package init(of path: String, _ options: Options) throws(ArchiveFailure) {
        for file in options.checkpointFiles where access(file, R_OK) != 0 {
            throw .folder(path: file, reason: "cannot be read (\(String(cString: strerror(errno)))); name a file of checkpoints")
        }
        for file in options.checkpointFiles {
            var found = stat()
            guard stat(file, &found) == 0, found.st_mode & S_IFMT == S_IFREG else {
                throw .folder(path: file, reason: "is no regular file; name a file of checkpoints")
            }
        }
        try VerifierLimits.check(path)
        self.options = options
        files = try LogFiles(surveying: path)
        folder = try AuditFolder(of: path, origin: files.origin)
    }

    /// - Parameter tell: is called on the calling thread.
    package func run(_ tell: (Progress) -> Void) throws(ArchiveFailure) -> AuditReport {
        // At once, so that a root key that is wrong is told before hours of reading.
        _ = try vault()
        var report = AuditReport()
        report.isLive = files.isLive
        if files.isLive { report.notes.append(Self.leftOutBeside) }
        let trusted = try options.keys.map { (text) throws(ArchiveFailure) in try Self.key(text) }
        // First: what was signed by now is folded by now.
        let checkpoints = CheckpointAudit(folder, outside: options.checkpointFiles, trusted: trusted, &report)
        // Listed anew beside a daemon, which goes on: what was signed is in the files that are there by now.
        let survey = try FolderSurvey.taken(&report) { () throws(ArchiveFailure) in
            try files.isLive ? LogFiles(surveying: files.path) : files
        }
        survey.checkPresence(checkpoints, &report)
        var reading = RecordReading(survey, sizes: checkpoints.sizes)
        reading.read(&report, tell)
        reading.compare(with: checkpoints, &report)
        if checkpoints.isEmptyBesideKeys(folder), reading.activeMilliseconds > Self.unsignedMillisecondsMax {
            report.note(.damaged, in: folder.checkpoints.path, Self.noCheckpoints)
        }
        if let since = reading.unsignedMilliseconds(in: report), since > 2 * Self.unsignedMillisecondsMax {
            report.notes.append(Self.oldCheckpoints)
        }
        StrayFiles(of: survey.files).tell(&report)
        InstanceAudit(of: survey.files).run(&report)
        RuleAudit(coolOffMillisecondsLeast: options.coolOffMillisecondsLeast).run(reading, &report)
        RemovalAudit(reading).run(&report)
        try ReceiptAudit(reading, vault: vault, isThorough: options.isThorough).run(&report, tell)
        return report
    }

    /// Between the look at what is due, or at a partition's age, and the event that goes by it, the clock may have been set back a little.
    static let clockStepMilliseconds: Int64 = 3_600_000

    private static let leftOutBeside =
        "the folder is in use (its LOCK is taken), so these were left out: the files' pages, the journal, filters and holdings, and bodies "
        + "of no message; stop the daemon, or verify a copy"

    private static let noCheckpoints =
        "no checkpoints, though there are keys: they were taken away, or for more than a day none could be signed; restore them from a backup"

    /// No finding: a machine that slept for days, or a clock that was set, makes the same of a log that nobody touched.
    private static let oldCheckpoints =
        "the log goes on for days behind the last checkpoint: later ones were taken away, or none could be signed; compare with those that "
        + "were kept elsewhere (--checkpoints)"

    /// A daemon signs every `checkpoint-seconds`, which is no more than a day: a log that goes on for longer was signed.
    private static let unsignedMillisecondsMax = Instant.millisecondsPerDay

    private static func key(_ text: String) throws(ArchiveFailure) -> VerifierKey {
        do { return try VerifierKey(parsing: text) } catch { throw .folder(path: text, reason: "is no public key: \(error.explanation)") }
    }

    /// The keyring as it is now. A daemon that destroys keys may be replacing it just then.
    private func vault() throws(ArchiveFailure) -> Vault? {
        guard options.isThorough, let root = options.rootKey else { return nil }
        var attempts = files.isLive ? 3 : 1
        while true {
            do throws(VaultFailure) {
                return try Vault.open(
                    folder: files.path + "/vault", instance: files.instance, root: root.source, mayBeNew: false, isOnlyRead: true)
            } catch {
                attempts -= 1
                if attempts == 0 { throw .vault(error) }
            }
            usleep(100_000)
        }
    }
}

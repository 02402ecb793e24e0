import Archive
import Glibc

/// All settings, in the order in which `--help` lists them.
extension Setting {
    static let all: [Setting] = [
        data, socket, socketMode, socketGroup, connectionsMax, importers, administrators, auditors, logLevel,
        partitionLength, origin, bodyBytesMax, idempotenceHours, diskReserveBytes,
        rootKeyFile, rootKeyCredential, rootKeyCommand, escrowFile, escrowPublicKey,
        signingKeyFile, checkpointSeconds, checkpointFile, coolOffHours,
        purgeAutomatic, purgeTime, purgeLagHours, trailPeriod, clockToleranceSeconds, upkeepSeconds, readerGrowthBytes, compactionGain,
        compactionBytesPerSecond,
        presetDefault, presetSixMonths, presetFinance, presetMedical, presetEducation,
        stallMilliseconds, unreadSeconds, drainSeconds, queryThreads,
        appendsMax, inputBytesMax, inputBytesTotalMax, outputBytesTotalMax,
        batchBytesMax, batchEventsMax, foldBytes, foldMilliseconds, tailBytesMax, openPartitionsMax, mapBytes,
        journalSegmentBytes, journalSegments,
    ]

    static let data = Setting(
        name: "data", kind: .path, fallback: nil, explanation: "The data folder. Made if it is not there.")
    static let socket = Setting(
        name: "socket", kind: .path, fallback: nil, explanation: "The Unix socket at which clients connect.")
    static let socketMode = Setting(
        name: "socket-mode", kind: .mode, fallback: "0660", explanation: "The socket's permissions. Who may write to it may connect.")
    static let socketGroup = Setting(
        name: "socket-group", kind: .group, fallback: "", explanation: "The group that the socket is given, by name or number.")
    static let connectionsMax = Setting(
        name: "connections-max", kind: .number(1...1_000_000), fallback: "16000",
        explanation: "Connections at once. One more is answered BUSY and closed.")

    /// Root, and whoever runs the daemon.
    private static let ownUsers = getuid() == 0 ? "0" : "0,\(getuid())"
    static let importers = Setting(
        name: "importers", kind: .users, fallback: ownUsers, explanation: "Users who may append with a time of their own (AT).")
    static let administrators = Setting(
        name: "administrators", kind: .users, fallback: ownUsers,
        explanation: "Users who may set retention, place holds, purge, compact, and stop the daemon.")
    static let auditors = Setting(
        name: "auditors", kind: .users, fallback: ownUsers,
        explanation: "Users who may read the log and every message in full, and why it is kept (EVENTS.READ, MESSAGE.HISTORY, EXPLAIN).")
    static let logLevel = Setting(
        name: "log-level", kind: .choice(["trace", "debug", "info", "notice", "warning", "error", "critical"]), fallback: "notice",
        explanation: "How much is logged, on standard error. Bodies never are.")

    static let partitionLength = Setting(
        name: "partition-length", kind: .choice(["hour", "day", "week"]), fallback: "day",
        explanation: "How much time a partition holds. Counts only when the data folder is made.")
    static let origin = Setting(
        name: "origin", kind: .text, fallback: "",
        explanation: "The log's public name. Counts only when the data folder is made; none: one is made up.")
    static let bodyBytesMax = Setting(
        name: "body-bytes-max", kind: .number(1...1 << 20), fallback: "65536", explanation: "The longest body.")
    static let idempotenceHours = Setting(
        name: "idempotence-hours", kind: .number(0...87_600), fallback: "48",
        explanation: "How long, at the least, a repeated SEND is recognized.")
    static let diskReserveBytes = Setting(
        name: "disk-reserve-bytes", kind: .number(0...1 << 50), fallback: "268435456",
        explanation: "With less than this left on the disk, appends are answered FULL.")
}

/// How long things wait, and how much may wait.
extension Setting {
    static let stallMilliseconds = Setting(
        name: "stall-ms", kind: .number(0...600_000), fallback: "1000",
        explanation: "How long appends wait for a fold that is behind, before they are answered BUSY.")
    static let unreadSeconds = Setting(
        name: "unread-seconds", kind: .number(1...86_400), fallback: "60",
        explanation: "How long a client may leave its answers unread before its connection is closed.")
    static let drainSeconds = Setting(
        name: "drain-seconds", kind: .number(0...3600), fallback: "10",
        explanation: "How long a stopping daemon waits for clients to fetch their last answers.")
    static let queryThreads = Setting(
        name: "query-threads", kind: .number(1...64), fallback: "2", explanation: "Threads that answer questions.")
    static let appendsMax = Setting(
        name: "appends-max", kind: .number(1...1 << 20), fallback: "16384", explanation: "Unanswered appends of one connection; more wait.")
    static let inputBytesMax = Setting(
        name: "input-bytes-max", kind: .number(4096...1 << 30), fallback: "262144",
        explanation: "What one connection may send ahead while it waits for answers; more stays in the socket.")
    static let inputBytesTotalMax = Setting(
        name: "input-bytes-total-max", kind: .number(1 << 20...1 << 40), fallback: "268435456",
        explanation: "Unexecuted input of all connections together.")
    static let outputBytesTotalMax = Setting(
        name: "output-bytes-total-max", kind: .number(1 << 20...1 << 40), fallback: "268435456",
        explanation: "Unread answers of questions, of all connections together; beyond it questions are answered BUSY.")
}

/// How the archive works. The defaults were measured.
extension Setting {
    static let batchBytesMax = Setting(
        name: "batch-bytes-max", kind: .number(4096...1 << 29), fallback: "4194304",
        explanation: "Events that are committed together, in bytes.")
    static let batchEventsMax = Setting(
        name: "batch-events-max", kind: .number(1...1 << 20), fallback: "16384", explanation: "Events that are committed together.")
    static let foldBytes = Setting(
        name: "fold-bytes", kind: .number(1...1 << 40), fallback: "33554432",
        explanation: "The fold begins when so much is journaled and not yet in partitions; at the latest at half of tail-bytes-max.")
    static let foldMilliseconds = Setting(
        name: "fold-ms", kind: .number(1...600_000), fallback: "1000",
        explanation: "The fold begins when an event has waited so long for it.")
    static let tailBytesMax = Setting(
        name: "tail-bytes-max", kind: .number(8192...1 << 40), fallback: "134217728",
        explanation: "What may wait for the fold; beyond it appends wait. It is kept in memory.")
    static let openPartitionsMax = Setting(
        name: "open-partitions-max", kind: .number(4...100_000), fallback: "512", explanation: "Partitions that are open at once.")
    static let mapBytes = Setting(
        name: "map-bytes", kind: .number(1 << 20...1 << 46), fallback: "68719476736",
        explanation: "How large one partition's file can become. Takes address space, not memory.")
    static let journalSegmentBytes = Setting(
        name: "journal-segment-bytes", kind: .number(8192...1 << 30), fallback: "16777216",
        explanation: "Bytes of a journal segment, in whole pages of 4096.")
    static let journalSegments = Setting(
        name: "journal-segments", kind: .number(2...64), fallback: "4", explanation: "Journal segments that are kept at the least.")
}

/// What is kept, what is destroyed, and with which keys.
extension Setting {
    static let rootKeyFile = Setting(
        name: "root-key-file", kind: .path, fallback: "",
        explanation: "The file of the root key, best on another device. None: vault/root.key in the data folder.")
    static let rootKeyCredential = Setting(
        name: "root-key-credential", kind: .text, fallback: "",
        explanation: "A systemd credential under which the root key's file is sealed.")
    static let rootKeyCommand = Setting(
        name: "root-key-command", kind: .text, fallback: "",
        explanation: "A program, with arguments, that keeps the root key: it is called with get, get-staged, stage or adopt behind them.")
    static let escrowFile = Setting(
        name: "escrow-file", kind: .path, fallback: "",
        explanation: "Where a second copy of root key and keyring is kept, sealed to escrow-public-key; outside the data folder.")
    static let escrowPublicKey = Setting(
        name: "escrow-public-key", kind: .text, fallback: "",
        explanation: "To whom it is sealed: 64 hexadecimal digits, or a file with them. 'annalsd escrow-key' makes a key.")
    static let signingKeyFile = Setting(
        name: "signing-key-file", kind: .path, fallback: "",
        explanation:
            "The file of the key that checkpoints are signed with, best on another device. None: audit/signing.key in the data folder.")
    static let checkpointSeconds = Setting(
        name: "checkpoint-seconds", kind: .number(60...86_400), fallback: "300",
        explanation: "How long after the last one a checkpoint of the audit tree is signed, if the log has grown.")
    static let checkpointFile = Setting(
        name: "checkpoint-file", kind: .path, fallback: "",
        explanation: "A file outside the data folder that gets each checkpoint too: with it nobody can cut off the log's end unseen.")
    static let coolOffHours = Setting(
        name: "cool-off-hours", kind: .number(0...ArchiveOptions.coolOffHoursMax), fallback: "168",
        explanation: "A retention change that shortens anything takes effect so much later, and can be cancelled until then.")
    static let purgeAutomatic = Setting(
        name: "purge-automatic", kind: .choice(["yes", "no"]), fallback: "yes",
        explanation: "Whether what has expired is destroyed without being asked for.")
    static let purgeTime = Setting(
        name: "purge-time", kind: .timeOfDay, fallback: "03:00", explanation: "When the daily purge begins, in UTC.")
    static let purgeLagHours = Setting(
        name: "purge-lag-hours", kind: .number(1...8760), fallback: "24",
        explanation: "No expired message stays longer than this, whatever the time of day.")
    static let trailPeriod = Setting(
        name: "trail-period", kind: .trailPeriod, fallback: "forever",
        explanation:
            "How long the records of events are kept. A partition over which that is gone, and which holds no body any more, is removed whole."
    )
    static let clockToleranceSeconds = Setting(
        name: "clock-tolerance-seconds", kind: .number(1...31_536_000), fallback: "3600",
        explanation: "When two clocks are further apart, nothing is destroyed until an operator says that the time is right.")
    static let upkeepSeconds = Setting(
        name: "upkeep-seconds", kind: .number(1...3600), fallback: "60",
        explanation: "How often is looked whether something is to be destroyed or compacted, or a reader hangs.")
    static let readerGrowthBytes = Setting(
        name: "reader-growth-bytes", kind: .number(1 << 20...1 << 40), fallback: "67108864",
        explanation: "A partition goes on in a compacted copy when it has grown by so much beside a reader that hangs.")
    static let compactionGain = Setting(
        name: "compaction-gain-percent", kind: .number(1...100), fallback: "20",
        explanation: "A partition is compacted by itself when it would give back so much of its file.")
    static let compactionBytesPerSecond = Setting(
        name: "compaction-bytes-per-second", kind: .number(0...1 << 40), fallback: "16777216",
        explanation: "What a compaction copies at the most; 0: as fast as it can.")

    static let presetDefault = preset("default")
    static let presetSixMonths = preset("six-months")
    static let presetFinance = preset("finance")
    static let presetMedical = preset("medical")
    static let presetEducation = preset("education")

    private static func preset(_ name: String) -> Setting {
        let preset = RetentionPreset.all.first { $0.name == name }
        return Setting(
            name: "preset-\(name)", kind: .preset, fallback: preset?.setting ?? "",
            explanation: "What retention by the name '\(name)' means: period/floor. No legal advice.")
    }

    static let presets = [presetDefault, presetSixMonths, presetFinance, presetMedical, presetEducation]
}

extension RetentionPreset {
    /// As a setting: `7y/6y`, `180d/none`.
    fileprivate var setting: String { "\(period)/\(floor.map { "\($0)" } ?? "none")" }
}

/// All cards, in the order of `Command`'s cases.
extension CommandCard {
    static let all: [CommandCard] = appends + rules + questions + purges + audit + upkeep + handshakes

    private static let appends = [
        CommandCard(
            .send, "SEND",
            "tenant conversation sender message-id body [TYPE mime] [CLIENTTIME ms] [EXPECT position|NONE] [AT ms] [REPORT]",
            words: 6...15, .append, flags: ["write", "fast"], "Appends a message."),
        CommandCard(
            .localDelete, "LOCALDELETE", "tenant conversation viewer ID id [id …] | UPTO position [AT ms] [REPORT]",
            words: 6...wordsMax, .append, flags: ["write", "fast"], "Hides messages from one viewer."),
    ]

    private static let rules = [
        CommandCard(
            .retentionSet, "RETENTION.SET",
            "SYSTEM | TENANT t [CONVERSATION c], then a period such as 180d, 26w, 6mo, 5y, forever or inherit, or PRESET name, "
                + "[FLOOR] [LOCK] REASON text [AT ms] [REPORT]",
            words: 5...14, .append, flags: ["write", "admin"], "Sets how long a scope's messages are kept, or at the least must be."),
        CommandCard(
            .retentionCancel, "RETENTION.CANCEL", "position REASON text [REPORT]", words: 4...5, .append, flags: ["write", "admin"],
            "Cancels a retention change that has not taken effect yet."),
        CommandCard(
            .holdPlace, "HOLD.PLACE",
            "hold SYSTEM | TENANT t [CONVERSATION c] [SENDER s] [FROM time] [UNTIL time] MATTER text REASON text [REPORT]",
            words: 7...17, .append, flags: ["write", "admin"], "Keeps messages from being destroyed, whatever their period."),
        CommandCard(
            .holdRelease, "HOLD.RELEASE", "hold REASON text [REPORT]", words: 4...5, .append, flags: ["write", "admin"],
            "Lifts a hold."),
        CommandCard(
            .clockConfirm, "CLOCK.CONFIRM", "REASON text [REPORT]", words: 3...4, .append, flags: ["write", "admin"],
            "Says that the clock is right, after purging stopped because it was doubted."),
    ]

    private static let questions = [
        CommandCard(
            .timeline, "TIMELINE",
            "tenant conversation VIEWER v | REASON text | VIEWER v ASOF when REASON text [BEFORE cursor | AFTER cursor] [COUNT n] [ASOF when]",
            words: 5...13, flags: ["readonly"], "A page of what a viewer sees of a conversation, or of all there is, for an auditor."),
        CommandCard(
            .messageGet, "MESSAGE.GET", "tenant message-id [VIEWER v] [ASOF when [REASON text]] [EXPLAIN]",
            words: 3...10, flags: ["readonly"], "A message and its state."),
        CommandCard(
            .messageHistory, "MESSAGE.HISTORY", "tenant message-id REASON text",
            words: 3...5, flags: ["write", "admin"], "A message, and every event that touched it. The log says who read it, and why."),
        CommandCard(
            .eventsRead, "EVENTS.READ", "FROM position [COUNT n] [BLOCK ms] [TENANT t]",
            words: 3...9, flags: ["readonly", "admin", "blocking"], "The log's events, as they are and as they come."),
        CommandCard(
            .retentionGet, "RETENTION.GET", "SYSTEM | TENANT t [CONVERSATION c] [ASOF when]",
            words: 2...7, flags: ["readonly"], "The policy that counts for a scope."),
        CommandCard(
            .retentionHistory, "RETENTION.HISTORY", "SYSTEM | TENANT t [CONVERSATION c]",
            words: 2...5, flags: ["readonly"], "Every change of a scope's policy or floor, and what took one back."),
        CommandCard(
            .retentionPreview, "RETENTION.PREVIEW", "SYSTEM | TENANT t [CONVERSATION c], then a period or PRESET name, [FLOOR]",
            words: 3...8, flags: ["readonly", "admin"], "What a retention change would do, before it is made."),
        CommandCard(
            .retentionPresets, "RETENTION.PRESETS", "", words: 1...1, flags: ["readonly"], "Retention by name."),
        CommandCard(.holdList, "HOLD.LIST", "[ALL] [ASOF when]", words: 1...4, flags: ["readonly", "admin"], "The holds that stand."),
    ]

    private static let purges = [
        CommandCard(
            .purgePlan, "PURGE.PLAN",
            "[SYSTEM | TENANT t [CONVERSATION c] [SENDER s] [FROM time] [UNTIL time]] [BEFORE time | ALL]",
            words: 1...13, flags: ["readonly", "admin"], "What a purge would destroy; nothing is changed."),
        CommandCard(
            .purgeRun, "PURGE.RUN", "plan CONFIRM count", words: 4...4, flags: ["write", "admin"],
            "Destroys what a plan says. The count must be the plan's messages."),
        CommandCard(.purgeStatus, "PURGE.STATUS", "", words: 1...1, flags: ["readonly"], "What upkeep is doing, and how far it is behind."),
        CommandCard(
            .purgeList, "PURGE.LIST", "[COUNT n]", words: 1...3, flags: ["readonly", "admin"], "The purges so far, the newest first."),
        CommandCard(
            .compact, "COMPACT", "partition | ALL [MINGAIN percent]", words: 2...4, flags: ["write", "admin"],
            "Gives the free space of partitions back to the system."),
    ]

    private static let audit = [
        CommandCard(
            .auditCheckpoint, "AUDIT.CHECKPOINT", "", words: 1...1, flags: ["admin"], "Signs what the log is now: its size and its root."),
        CommandCard(
            .auditProve, "AUDIT.PROVE", "position [SIZE n]", words: 2...4, flags: ["readonly", "admin"],
            "Proves that an event's record is in the log."),
        CommandCard(
            .auditConsistency, "AUDIT.CONSISTENCY", "old [new]", words: 2...3, flags: ["readonly", "admin"],
            "Proves that the log of one size is what a larger one began with."),
        CommandCard(
            .auditKeys, "AUDIT.KEYS", "", words: 1...1, flags: ["readonly"], "The public keys that checkpoints were signed with."),
    ]

    private static let upkeep = [
        CommandCard(.partitions, "PARTITIONS", "", words: 1...1, flags: ["readonly"], "The partitions of the log."),
        CommandCard(.stats, "STATS", "", words: 1...1, flags: ["readonly"], "Numbers about archive and daemon."),
        CommandCard(.digest, "DIGEST", "", words: 1...1, flags: ["readonly"], "A digest of everything that is projected from the log."),
        CommandCard(
            .shutdown, "SHUTDOWN", "", words: 1...1, flags: ["admin"],
            "Stops the daemon. The connection closes when all that was accepted is answered."),
    ]

    private static let handshakes = [
        CommandCard(
            .hello, "HELLO", "[2|3 [SETNAME name]]", words: 1...7, flags: ["fast", "no_auth"], "Agrees on the protocol's version."),
        CommandCard(
            .auth, "AUTH", "[user] password", words: 2...3, flags: ["fast", "no_auth"],
            "There are no passwords: the kernel tells who you are."),
        CommandCard(.ping, "PING", "[text]", words: 1...2, flags: ["fast"], "Answers PONG, or the text."),
        CommandCard(.echo, "ECHO", "text", words: 2...2, flags: ["fast"], "Answers the text."),
        CommandCard(
            .command, "COMMAND", "[COUNT | LIST | INFO [name …] | DOCS [name …]]", words: 1...wordsMax, flags: ["loading"],
            "The commands that there are."),
        CommandCard(
            .client, "CLIENT", "ID | GETNAME | SETNAME name | SETINFO LIB-NAME|LIB-VER text | NO-EVICT ON|OFF | NO-TOUCH ON|OFF",
            words: 2...4, flags: ["loading"], "What client libraries say about themselves."),
        CommandCard(
            .config, "CONFIG", "GET name [name …]", words: 3...wordsMax, flags: ["admin", "loading"],
            "The few Redis settings that Redis's own tools ask for."),
        CommandCard(.info, "INFO", "[section …]", words: 1...16, flags: ["loading"], "A text about the daemon, as Redis writes it."),
        CommandCard(.quit, "QUIT", "", words: 1...1, flags: ["fast", "no_auth"], "Closes the connection."),
        CommandCard(.reset, "RESET", "", words: 1...1, flags: ["fast", "no_auth"], "Makes the connection as it was at first."),
        CommandCard(.select, "SELECT", "0", words: 2...2, flags: ["fast", "loading"], "There is one database, of number 0."),
    ]
}

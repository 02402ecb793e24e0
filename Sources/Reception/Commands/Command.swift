/// The commands that there are. What each of them takes is on its card, and nowhere else.
enum Command: UInt8, CaseIterable, Sendable {
    case send, localDelete, retentionSet, retentionCancel, holdPlace, holdRelease, clockConfirm
    case timeline, messageGet, messageHistory, eventsRead, retentionGet, retentionHistory, retentionPreview, retentionPresets, holdList
    case purgePlan, purgeRun, purgeStatus, purgeList, compact
    case auditCheckpoint, auditProve, auditConsistency, auditKeys
    case partitions, stats, digest, shutdown
    case hello, auth, ping, echo, command, client, config, info, quit, reset, select

    /// The command that a client's word means, whatever the case of its letters.
    init?(word: UnsafeRawBufferPointer) {
        // Nearly every command is this one.
        if word.count == 4, Self.matches(word, "SEND") {
            self = .send
            return
        }
        for card in CommandCard.all where Self.matches(word, card.name) {
            self = card.command
            return
        }
        return nil
    }

    /// Whether the command may have so many words. Nearly every time it is asked of `SEND`, so that has no card looked up.
    @inline(__always)
    func takes(_ count: Int) -> Bool {
        if self == .send { return count >= 6 && count <= 15 }
        return card.words.contains(count)
    }

    /// Whether it changes what may be destroyed: such a change waits while keys are being destroyed.
    var changesRules: Bool {
        switch self {
        case .retentionSet, .retentionCancel, .holdPlace, .holdRelease, .clockConfirm: true
        default: false
        }
    }

    var card: CommandCard { CommandCard.all[Int(rawValue)] }

    private static func matches(_ word: UnsafeRawBufferPointer, _ name: StaticString) -> Bool {
        guard word.count == name.utf8CodeUnitCount else { return false }
        for place in 0..<word.count {
            let byte = word[place]
            let capital = byte >= 0x61 && byte <= 0x7A ? byte & 0xDF : byte
            if capital != name.utf8Start[place] { return false }
        }
        return true
    }
}

/// What a command takes and is for: drives the check of its arity, the texts of its errors, and the answers of `COMMAND`.
struct CommandCard: Sendable {
    let command: Command
    let name: StaticString
    /// The words behind the name, as the pages write them.
    let usage: String
    /// How many words there may be, the name among them.
    let words: ClosedRange<Int>
    let summary: String
    let kind: Session.Kind
    /// As Redis calls them.
    let flags: [String]

    init(
        _ command: Command, _ name: StaticString, _ usage: String, words: ClosedRange<Int>, _ kind: Session.Kind = .other,
        flags: [String] = [], _ summary: String
    ) {
        self.command = command
        self.name = name
        self.usage = usage
        self.words = words
        self.summary = summary
        self.kind = kind
        self.flags = flags
    }

    /// How many words a command may have that has no limit of its own: as many as a frame.
    static let wordsMax = 1024

    /// Redis's way to say how many words there are: negative for "at least".
    var arity: Int { words.lowerBound == words.upperBound ? words.lowerBound : -words.lowerBound }

    /// What a command with the wrong number of words is told.
    var complaint: String { usage.isEmpty ? "\(name) takes no arguments" : "\(name) needs \(usage)" }
}

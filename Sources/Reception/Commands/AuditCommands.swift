import Archive
import Events
import RESP

/// `AUDIT.PROVE position [SIZE n]`
struct ProveCommand: Sendable {
    let position: Position
    /// Nil: that of the newest checkpoint.
    let size: UInt64?

    init(_ words: borrowing CommandArguments) throws(Refusal) {
        position = try words.position(1, "position")
        guard words.count > 2 else {
            size = nil
            return
        }
        guard words.count == 4, words.matches(2, "SIZE") else { throw Refusal(.badArgument, Command.auditProve.card.complaint) }
        size = try words.number(3, "SIZE", 1...Decimal.positionMax)
    }
}

/// `AUDIT.CONSISTENCY old [new]`
struct ConsistencyCommand: Sendable {
    let old: UInt64
    /// Nil: what is there now.
    let new: UInt64?

    init(_ words: borrowing CommandArguments) throws(Refusal) {
        old = try words.number(1, "old", 0...Decimal.positionMax)
        new = words.count > 2 ? try words.number(2, "new", 0...Decimal.positionMax) : nil
    }
}

extension SessionHandler {
    /// Commands about what can be proved of the log.
    func audit(_ command: Command, _ words: borrowing CommandArguments) throws(Refusal) {
        // Public keys are public.
        if command == .auditKeys { return try ask(.auditKeys) }
        try demand(.auditing, for: command.card.name)
        switch command {
        case .auditCheckpoint: try ask(.checkpoint)
        case .auditProve: try ask(.proof(ProveCommand(words)))
        default: try ask(.growth(ConsistencyCommand(words)))
        }
    }
}

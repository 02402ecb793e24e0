import Events

/// The last event of each conversation among those that are not folded, by fingerprint.
///
/// Catches up when it is asked, so that appends without an expected position do not pay for it. A fingerprint may stand for
/// several conversations: what is found is a candidate.
struct ConversationTips {
    private var tips: [UInt64: Position] = [:]
    /// Everything up to here is in it.
    private var through = Position.none

    /// More than this are not kept: those that are folded meanwhile are found in the state file.
    private static let tipsMax = 1 << 18

    mutating func last(of conversation: UInt64, _ tail: TailView, _ open: borrowing OpenBatch) -> Position? {
        if tips.count > Self.tipsMax {
            tips = [:]
            through = Position(tail.first.rawValue - 1)
        }
        for batch in tail.batches.suffix(from: tail.batches.firstIndex { $0.last > through } ?? tail.batches.endIndex) {
            note(batch.conversations, from: batch.first)
        }
        note(open.conversations, from: open.first)
        through = Position(open.next.rawValue - 1)
        return tips[conversation]
    }

    private mutating func note(_ conversations: [UInt64], from first: Position) {
        for (offset, conversation) in conversations.enumerated() {
            let position = Position(first.rawValue + UInt64(offset))
            if position > through { tips[conversation] = position }
        }
    }
}

package import AnnalsClient

/// Lines of an import that are on their way together, in their order, and what became of each.
///
/// A line that the daemon was too busy for is sent again, and everything behind it as well, so that a deletion never overtakes its
/// message. That is allowed because the same line a second time appends nothing; what the first time appended still counts as appended.
///
/// Invariant: every line before `settledCount` has its outcome; so has, from the start, every line that asks for nothing.
package struct Shipment: Sendable {
    /// What became of a line. `detail` is the daemon's whole sentence, where it was the daemon that refused.
    package enum Outcome: Equatable, Sendable {
        case appended(ImportLine.Kind)
        case present
        case refused(ImportLine.Reason, detail: String?)
    }

    private struct Item {
        let line: LineReader.Line
        /// Nil for a line that asks for nothing, and is not sent.
        let request: (kind: ImportLine.Kind, words: [Word])?
        /// From an earlier try, as long as the item is not settled.
        var outcome: Outcome?
    }

    private var items: [Item] = []
    private var settledCount = 0
    private var byteCount = 0

    package init() {}

    package var isEmpty: Bool { items.isEmpty }

    /// Several hundred lines are enough for the daemon to be never out of work, and small enough to keep in memory twice.
    package var isFull: Bool { items.count >= Self.linesMax || byteCount >= Self.bytesMax }

    /// One more line; before the shipment is sent.
    package mutating func add(_ line: LineReader.Line, _ content: ImportLine) {
        byteCount += line.bytes.count
        switch content {
        case .request(let kind, let words): items.append(Item(line: line, request: (kind, words)))
        case .refused(let reason): items.append(Item(line: line, request: nil, outcome: .refused(reason, detail: nil)))
        }
    }

    /// What is to be sent, or sent again.
    package var unsettled: [[Word]] { items[settledCount...].compactMap { $0.request?.words } }

    package var isSettled: Bool { settledCount == items.count }

    /// The lines of which it is known what became of them, in order.
    package var settled: [(line: LineReader.Line, outcome: Outcome)] {
        items[..<settledCount].map { item in
            guard let outcome = item.outcome else {
                preconditionFailure("a settled line has no outcome, because it was settled without an answer")
            }
            return (item.line, outcome)
        }
    }

    /// Takes the answers to `unsettled`. Throws what makes it pointless to go on; what was settled before that stays so.
    package mutating func settle(_ answers: [RESPValue]) throws(Trouble) {
        var answers = answers[...]
        var isInOrder = true
        for index in settledCount..<items.count {
            if let request = items[index].request {
                guard let answer = answers.popFirst() else {
                    preconditionFailure("a request is without an answer, because another number of answers was taken than asked for")
                }
                switch ImportAnswer(answer, to: request.kind) {
                case .settled(let outcome):
                    if items[index].outcome != .appended(request.kind) { items[index].outcome = outcome }
                case .busy:
                    isInOrder = false
                case .pointless(let trouble):
                    throw trouble
                }
            }
            if isInOrder { settledCount = index + 1 }
        }
    }

    package static let linesMax = 512
    package static let bytesMax = 1 << 20
}

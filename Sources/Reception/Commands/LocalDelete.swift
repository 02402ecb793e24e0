import Archive
import Events
import RESP

/// `LOCALDELETE tenant conversation viewer ID id [id …] | UPTO position [AT ms] [REPORT]`
struct LocalDeleteCommand {
    let draft: LocalDeleteDraft
    let isReport: Bool

    init(_ words: borrowing CommandArguments) throws(Refusal) {
        let tail = Tail(of: words)
        draft = LocalDeleteDraft(
            tenant: try words.name(1, "tenant"), conversation: try words.name(2, "conversation"), viewer: try words.name(3, "viewer"),
            extent: try Self.extent(words, to: tail.start), at: try Self.time(words, at: tail.at))
        isReport = tail.isReport
    }

    private static func extent(_ words: borrowing CommandArguments, to end: Int) throws(Refusal) -> LocalDeleteDraft.Extent {
        if words.matches(4, "ID") { return .messages(try messageIDs(words, to: end)) }
        guard words.matches(4, "UPTO") else {
            throw Refusal(.badArgument, "LOCALDELETE needs ID or UPTO behind the viewer, not \(Quoted(words[4]))")
        }
        guard end == 6 else {
            throw Refusal(
                .badArgument, "LOCALDELETE knows no option \(Quoted(words[6])); behind UPTO, AT ms and REPORT may follow, in this order")
        }
        return .upTo(try words.position(5, "UPTO"))
    }

    private static func time(_ words: borrowing CommandArguments, at index: Int?) throws(Refusal) -> Instant? {
        guard let index else { return nil }
        return try words.milliseconds(index, "AT")
    }

    private static func messageIDs(_ words: borrowing CommandArguments, to end: Int) throws(Refusal) -> [MessageID] {
        guard end - 5 <= LocalDelete.targetsMax else {
            throw Refusal(.tooLong, "LOCALDELETE names \(end - 5) messages; at most \(LocalDelete.targetsMax) are allowed at once")
        }
        var ids: [MessageID] = []
        ids.reserveCapacity(end - 5)
        for index in 5..<end { ids.append(try words.name(index, "message-id")) }
        return ids
    }

    /// The options, found from the end: whatever stands before them is an id, were it spelled like an option.
    /// The first word behind `ID` or `UPTO` is never an option.
    private struct Tail {
        var start: Int
        var at: Int?
        var isReport = false

        init(of words: borrowing CommandArguments) {
            start = words.count
            if start > 6, words.matches(start - 1, "REPORT") {
                isReport = true
                start -= 1
            }
            if start > 7, words.matches(start - 2, "AT") {
                at = start - 1
                start -= 2
            }
        }
    }
}

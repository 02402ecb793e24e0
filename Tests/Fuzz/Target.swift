/// A decoder under fuzzing, and what is asked of it.
struct Target: Sendable {
    let name: String
    /// What has to be there before the first input, and costs more than an input may.
    var prepare: @Sendable () -> Void = {}
    let run: @Sendable (Input) -> Void

    static let all = [
        Target(name: "requests", run: Requests.run),
        Target(name: "replies", run: Replies.run),
        Target(name: "commands", run: Commands.run),
        Target(name: "events", run: Records.run),
        Target(name: "texts", run: Texts.run),
        Target(name: "journal", run: Journals.run),
        Target(name: "keyring", run: Keyrings.run),
        Target(name: "escrow", run: Escrows.run),
        Target(name: "notes", run: Notes.run),
        Target(name: "tombstones", run: Tombstones.run),
        Target(name: "rows", run: Rows.run),
        Target(name: "pages", run: Pages.run),
    ]
}

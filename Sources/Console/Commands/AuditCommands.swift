package import AnnalsClient
package import ArgumentParser
package import Events

/// `annals audit`
package struct AuditCommand: ParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "audit",
        abstract: "Prove what is in the log, and that nobody rewrote it.",
        discussion: """
            All events are leaves of an RFC 6962 tree; a checkpoint is its size and root, signed. Checkpoints, proofs and tiles have the \
            formats of C2SP (c2sp.org), so that verifiers of other people read them. Keep a checkpoint and the public key outside: with them \
            anybody can tell later whether the log was changed or cut off.
            """,
        subcommands: [AuditVerifyCommand.self, AuditTilesCommand.self, Checkpoint.self, Prove.self, Consistency.self, Keys.self])

    package init() {}

    /// `annals audit checkpoint`
    package struct Checkpoint: Question {
        package static let configuration = CommandConfiguration(
            abstract: "Sign what the log is now, and print the checkpoint (c2sp.org/tlog-checkpoint). For auditors.")

        @OptionGroup package var options: GlobalOptions

        package init() {}

        package func request(now: Instant) -> [Word] { ["AUDIT.CHECKPOINT"] }

        package func show(_ answer: RESPValue, in view: View) throws(Trouble) -> String {
            try AuditCommand.text(answer["checkpoint"], of: "AUDIT.CHECKPOINT")
        }
    }

    /// `annals audit prove`
    package struct Prove: Question {
        package static let configuration = CommandConfiguration(
            abstract: "Prove that an event is in the log: a file in the form of c2sp.org/tlog-proof. For auditors.",
            discussion: """
                The proof is of the event's record, which names who, what, where and when, and not the content. It holds the checkpoint \
                that it was made for, and needs only the record and the log's public key to be checked. It stays true after a purge.
                """)

        @Argument(help: "The event's position, as 17 or '#17'.", transform: AuditCommand.position) var position: UInt64
        @Option(help: "In the tree of this size, for which a checkpoint was signed.") var size: UInt64?
        @Option(name: .customLong("to"), help: .init("A file for the proof, rather than the output.", valueName: "path")) var path: String?
        @Option(name: .customLong("record"), help: .init("A file for the record that is proved.", valueName: "path")) var record: String?
        @OptionGroup package var options: GlobalOptions

        package init() {}

        package func request(now: Instant) -> [Word] {
            ["AUDIT.PROVE", AuditCommand.word(position)] + (size.map { ["SIZE", AuditCommand.word($0)] } ?? [])
        }

        package func show(_ answer: RESPValue, in view: View) throws(Trouble) -> String {
            guard let proof = answer["proof"], !proof.isNull else {
                throw Trouble(.refused, "no checkpoint of that size was signed; leave out --size, or use --json for the hashes alone")
            }
            try write(answer)
            if path != nil { return view.remark("written; the record's hash is \(view.text(answer["leaf"], under: "leaf"))") }
            return try AuditCommand.text(proof, of: "AUDIT.PROVE")
        }

        package func json(_ answer: RESPValue) throws(Trouble) -> JSON {
            try write(answer)
            return JSON(answer)
        }

        private func write(_ answer: RESPValue) throws(Trouble) {
            if let path, let proof = answer["proof"]?.bytes { try FileOutput.write(proof, to: path) }
            guard let record else { return }
            guard let bytes = answer["record"]?.bytes else {
                throw Trouble(.refused, "the record of #\(position) has left the log, its trail's time being over; only its hash is there")
            }
            try FileOutput.write(bytes, to: record)
        }
    }

    /// `annals audit consistency`
    package struct Consistency: Question {
        package static let configuration = CommandConfiguration(
            abstract: "Prove that the log of one size is what a larger one began with. For auditors.")

        @Argument(help: "The earlier size, such as an old checkpoint's.") var old: UInt64
        @Argument(help: "The later size; what the log has now, if it is not given.") var new: UInt64?
        @OptionGroup package var options: GlobalOptions

        package init() {}

        package func request(now: Instant) -> [Word] {
            ["AUDIT.CONSISTENCY", AuditCommand.word(old)] + (new.map { [AuditCommand.word($0)] } ?? [])
        }

        package func show(_ answer: RESPValue, in view: View) throws(Trouble) -> String {
            guard let hashes = answer["hashes"]?.array else { throw .unexpected(answerTo: "AUDIT.CONSISTENCY") }
            let rows = ["old", "old-root", "new", "new-root"].map { key in
                (label: key.replacing("-", with: " "), value: Table.Cell(view.text(answer[key], under: key)))
            }
            let proof = hashes.map { (label: "hash", value: Table.Cell(view.text($0, under: "hash"))) }
            return view.card(rows + proof)
        }
    }

    /// `annals audit keys`
    package struct Keys: Question {
        package static let configuration = CommandConfiguration(
            abstract: "Print the public keys that checkpoints were signed with, the oldest first; the last one signs now.")

        @OptionGroup package var options: GlobalOptions

        package init() {}

        package func request(now: Instant) -> [Word] { ["AUDIT.KEYS"] }

        package func show(_ answer: RESPValue, in view: View) throws(Trouble) -> String {
            guard let keys = answer.array else { throw .unexpected(answerTo: "AUDIT.KEYS") }
            return keys.map { view.text($0, under: "key") + "\n" }.joined()
        }
    }

    /// As it was typed: a complaint is to name that, also where no log will ever come so far.
    private static func word(_ number: UInt64) -> Word { Int(exactly: number).map(Word.number) ?? .text("\(number)") }

    /// A position as people write it here and elsewhere.
    private static func position(_ text: String) throws(ValidationError) -> UInt64 {
        let digits = text.hasPrefix("#") ? text.dropFirst() : text[...]
        guard let position = UInt64(digits), digits.first != "+" else {
            throw ValidationError("The position cannot be '\(text)'. Write 17, or '#17'.")
        }
        return position
    }

    /// A file that is a text, such as a signed note: shown as it is, but for what a terminal would obey.
    private static func text(_ value: RESPValue?, of command: String) throws(Trouble) -> String {
        guard let bytes = value?.bytes else { throw .unexpected(answerTo: command) }
        return Harmless.text(bytes)
    }
}

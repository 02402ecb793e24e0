package import RESP

extension View {
    /// The archive's numbers, those that belong together under one heading. What this version does not know comes last.
    package func status(_ answer: RESPValue) -> String {
        let entries = (answer.entries ?? []).map { (key: $0.key.string ?? "", value: $0.value) }
        let known = Set(Self.groups.flatMap(\.keys))
        let others = entries.map(\.key).filter { !known.contains($0) }
        let groups = Self.groups + [(title: "More", keys: others)]
        return groups.compactMap { group -> String? in
            let rows = group.keys.compactMap { key in entries.first { $0.key == key } }
            guard !rows.isEmpty else { return nil }
            return Tone.strong.paint(group.title, on: surface) + "\n" + card(rows.map(statusRow))
        }.joined(separator: "\n")
    }

    private static let groups: [(title: String, keys: [String])] = [
        ("Log", ["position", "folded", "tail-events", "tail-bytes", "journal-bytes", "writable", "instance"]),
        (
            "Archive",
            [
                "messages", "conversations", "body-bytes", "disk-bytes", "partitions", "open-partitions", "removed-partitions",
                "damaged-partitions", "partition-length", "hanging-reader",
            ]
        ),
        ("Destruction", ["oldest-expired-seconds", "next-purge", "open-intents", "keys", "clock", "escrow"]),
        ("Audit", ["checkpoint", "checkpoint-error"]),
        ("Since the start", ["started", "commands", "commits", "batches", "folds"]),
        ("Clients", ["connections", "connections-total", "connections-refused", "answers-waiting-bytes"]),
    ]

    private func statusRow(_ key: String, _ value: RESPValue) -> (label: String, value: Table.Cell) {
        let label = Self.labels[key] ?? Harmless.line(Harmless.text(key)).replacing("-", with: " ")
        return ("  " + label, Table.Cell(figure(value, under: key), tone: Self.tone(of: value, under: key)))
    }

    /// Where the wire's name would not be understood.
    private static let labels = [
        "oldest-expired-seconds": "oldest expired", "checkpoint": "last checkpoint", "checkpoint-error": "trouble",
    ]

    /// What it means that a value is not there.
    private static let absent = [
        "oldest-expired-seconds": "nothing waits", "next-purge": "not planned", "checkpoint-error": "none", "hanging-reader": "none",
    ]

    /// A field of an answer, with numbers as people read them.
    func figure(_ value: RESPValue, under key: String) -> String {
        if value.isNull { return Self.absent[key] ?? text(value, under: key) }
        if Self.isMoment(key), let time = zoned(value, to: .seconds) { return time }
        if case .integer(let number) = value {
            if key.hasSuffix("-seconds") { return Figures.duration(seconds: number) }
            let shown = text(value, under: key)
            return shown == String(number) ? Figures.count(number) : shown
        }
        return text(value, under: key)
    }

    private static func tone(of value: RESPValue, under key: String) -> Tone? {
        if key == "clock" { return value.string == "trusted" ? .good : .bad }
        guard key == "writable", let flag = value.boolean else { return nil }
        return flag ? .good : .bad
    }
}

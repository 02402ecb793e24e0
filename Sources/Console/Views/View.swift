import Events
package import RESP

/// How answers are shown to people: on what surface, with times of which zone.
package struct View: Sendable {
    package var surface: Surface
    package var zone: Zone

    package init(surface: Surface, zone: Zone) {
        self.surface = surface
        self.zone = zone
    }

    /// A column of moments; its heading names the zone, so that the rows need not.
    func timeColumn(_ title: String = "time") -> Table.Column {
        Table.Column("\(title) (\(zone.name))", tone: .dim)
    }

    /// A field of an answer in one text: moments by their keys' names, sizes in units, absent values as a dash.
    package func text(_ value: RESPValue?, under key: String) -> String {
        guard let value, !value.isNull else { return key == "expires" ? "never" : "–" }
        if let number = value.integer {
            if Self.isMoment(key) { return moment(number) }
            if Self.isSize(key) { return Figures.bytes(number) }
            if Self.isPosition(key) { return "#\(number)" }
        }
        // An id that looks like a number is none: 007 stays what it is.
        return plain(value)
    }

    /// A moment of an answer; history needs it to the millisecond, a chat does not.
    package func moment(_ milliseconds: Int, to precision: Zone.Precision = .milliseconds) -> String {
        zone.text(.init(milliseconds: Int64(milliseconds)), to: precision)
    }

    /// A moment in a sentence or a card, where no heading names the zone; nil for what is none.
    func zoned(_ moment: RESPValue?, to precision: Zone.Precision = .milliseconds) -> String? {
        moment?.integer.map { "\(self.moment($0, to: precision)) \(zone.name)" }
    }

    /// Labels and values under each other.
    package func card(_ rows: [(label: String, value: Table.Cell)]) -> String {
        var table = Table([.init("", tone: .dim), .init("", folds: true)], on: surface, isHeaded: false)
        return table.render(rows.map { [Table.Cell($0.label), $0.value] })
    }

    /// A remark beside the answer itself, only where a person reads along.
    package func remark(_ text: String) -> String {
        surface.isTerminal ? Tone.dim.paint(text, on: surface) + "\n" : ""
    }

    private func plain(_ value: RESPValue) -> String {
        if case .integer(let number) = value { return String(number) }
        if let bytes = value.bytes { return Harmless.text(bytes) }
        if let number = value.double { return String(number) }
        switch value {
        case .boolean(let flag): return flag ? "yes" : "no"
        case .map(let entries):
            return entries.map { "\(plain($0.key))=\(text($0.value, under: $0.key.string ?? ""))" }.joined(separator: " ")
        default: return (value.array ?? []).map(plain).joined(separator: ", ")
        }
    }

    static func isMoment(_ key: String) -> Bool {
        key == "at" || key.hasSuffix("-at") || moments.contains(key)
    }

    private static func isPosition(_ key: String) -> Bool {
        key.hasSuffix("position") || positions.contains(key)
    }

    private static func isSize(_ key: String) -> Bool {
        key.hasSuffix("-bytes") || sizes.contains(key)
    }

    private static let moments: Set = [
        "recorded", "expires", "client-time", "started", "from", "until", "before", "next-purge", "next-expiry",
    ]
    private static let positions: Set = ["up-to", "folded", "receipt", "last-receipt", "intent", "released", "cancelled", "checkpoint"]
    private static let sizes: Set = ["bytes", "disk", "free"]
}

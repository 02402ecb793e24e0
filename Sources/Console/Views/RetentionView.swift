package import Events
package import RESP

extension View {
    /// The policy and the floor that count for a scope, where they come from, and what is pending.
    package func policy(_ answer: RESPValue) -> String {
        let from = text(answer["from"], under: "from")
        var rows: [(label: String, value: Table.Cell)] = [
            ("scope", Table.Cell(text(answer["scope"], under: "scope"))),
            ("period", Table.Cell(text(answer["period"], under: "period"), tone: .strong)),
            ("decided for", Table.Cell(from == "default" ? "nobody: the default" : from)),
        ]
        if let position = answer["position"], !position.isNull {
            rows.append(("by", Table.Cell(text(position, under: "position"))))
            rows += zoned(answer["effective-at"]).map { [("in force since", Table.Cell($0))] } ?? []
        }
        if let locked = answer["locked"]?.boolean {
            rows.append(("locked", Table.Cell(locked ? "yes: it can only be made longer" : "no")))
        }
        if let floor = answer["floor"] { rows.append(("floor", Table.Cell(self.floor(floor, in: answer)))) }
        let changes = answer["pending"]?.array ?? []
        return card(rows) + (changes.isEmpty ? "" : "\n" + pending(changes))
    }

    private func floor(_ floor: RESPValue, in answer: RESPValue) -> String {
        if floor.isNull { return "none" }
        let from = text(answer["floor-from"], under: "from")
        return "\(text(floor, under: "floor")), decided for the \(from) by \(text(answer["floor-position"], under: "position"))"
    }

    private func pending(_ changes: [RESPValue]) -> String {
        var table = Table(
            [
                .init("position", isNumber: true, tone: .dim), timeColumn("takes effect"), .init("what"), .init("period", tone: .strong),
                .init("locked"),
            ], on: surface)
        let keys = ["position", "effective-at", "target", "period", "locked"]
        return Tone.strong.paint("Pending", on: surface) + "\n"
            + table.render(changes.map { change in keys.map { Table.Cell(text(change[$0], under: $0)) } })
            + remark("annals retention cancel POSITION undoes one of them")
    }

    /// What a change was answered with: whether it counts already, or only after the cool-off.
    package func changed(_ answer: RESPValue, now: Instant) -> String {
        let position = text(answer["position"], under: "position")
        let time = "\(text(answer["effective-at"], under: "effective-at")) (\(zone.name))"
        guard let effective = answer["effective-at"]?.integer, effective > now.milliseconds else {
            return "\(position)  in force since \(time)\n"
        }
        return "\(position)  takes effect at \(time)\n"
            + remark("until then, annals retention cancel undoes it; annals retention get shows what is pending")
    }

    /// The changes of a scope's rules, and what took one back, oldest first.
    package func policies(_ changes: [RESPValue]) -> String {
        // A daemon before floors and locks does not speak of them.
        let extras = ["target", "locked"].filter { key in changes.contains { $0[key].map { !$0.isNull } ?? false } }
        let columns: [Table.Column] = [
            .init("position", isNumber: true, tone: .dim), timeColumn(), timeColumn("effective"), .init("scope"),
            .init("period", tone: .strong),
        ]
        var table = Table(
            columns + extras.map { .init($0 == "target" ? "what" : $0) } + [.init("principal"), .init("reason", folds: true)], on: surface)
        let keys = ["position", "at", "effective-at", "scope", "period"] + extras + ["principal", "reason"]
        return table.render(
            changes.map { change in
                keys.map { key in
                    let isCancel = key == "target" && change["change"] != nil
                    return Table.Cell(isCancel ? "cancels \(text(change["change"], under: "position"))" : text(change[key], under: key))
                }
            })
    }

    /// The presets, as the daemon is configured.
    package func presets(_ presets: [RESPValue]) -> String {
        var table = Table([.init("preset", tone: .name), .init("period", tone: .strong), .init("floor")], on: surface)
        let keys = ["preset", "period", "floor"]
        return table.render(presets.map { preset in keys.map { Table.Cell(text(preset[$0], under: $0)) } })
            + remark("starting points, not legal advice")
    }
}

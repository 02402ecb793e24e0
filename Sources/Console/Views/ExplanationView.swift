package import AnnalsClient

extension View {
    /// Why a message expires when it does: the policy, the floor and the holds that count, and what follows from them.
    package func explanation(_ why: RESPValue, of message: AnnalsClient.Message) -> String {
        Tone.strong.paint("Why", on: surface) + "\n"
            + card([
                ("  policy", Table.Cell(policyWords(why))), ("  floor", Table.Cell(floorWords(why))),
                ("  holds", Table.Cell(holdWords(why["holds"]?.array ?? []))), ("  so", Table.Cell(conclusion(why, of: message))),
            ])
    }

    private func policyWords(_ why: RESPValue) -> String {
        let period = text(why["policy"], under: "policy")
        let lock = why["locked"]?.boolean == true ? ", locked" : ""
        guard let origin = origin("policy", in: why) else { return "\(period), the default: nobody has decided another\(lock)" }
        return "\(period), \(origin)\(lock)"
    }

    private func floorWords(_ why: RESPValue) -> String {
        guard let floor = why["floor"], !floor.isNull else { return "none" }
        return ([text(floor, under: "floor")] + (origin("floor", in: why).map { [$0] } ?? [])).joined(separator: ", ")
    }

    /// For whom it was decided, by which event, and since when; nil for what nobody decided.
    private func origin(_ what: String, in why: RESPValue) -> String? {
        guard let position = why["\(what)-position"], !position.isNull else { return nil }
        let from = text(why["\(what)-from"], under: "from")
        let since = zoned(why["\(what)-since"]).map { ", since \($0)" } ?? ""
        return "decided for the \(from) by \(text(position, under: "position"))\(since)"
    }

    private func holdWords(_ holds: [RESPValue]) -> String {
        if holds.isEmpty { return "none" }
        return holds.map { hold in
            let matter = text(hold["matter"], under: "matter")
            return "\(text(hold["hold"], under: "hold")), for the matter \(matter), since \(text(hold["position"], under: "position"))"
        }.joined(separator: "; ")
    }

    private func conclusion(_ why: RESPValue, of message: AnnalsClient.Message) -> String {
        let isOver = message.state == .expired || message.state == .purged
        var words = why["floors-expiry"]?.boolean == true ? "the floor is the longer of the two: " : ""
        words += message.expires.map { "it expire\(isOver ? "d" : "s") at \(moment($0.rawValue)) \(zone.name)" } ?? "it never expires"
        if message.state == .purged {
            words += ", and is destroyed" + (message.receipt.map { ", as receipt #\($0) says" } ?? "")
        } else if let holds = why["holds"]?.array, !holds.isEmpty {
            words += ", but is not destroyed while a hold stands"
        }
        return words
    }
}

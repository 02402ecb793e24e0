package import RESP

extension View {
    /// What a change of a rule would do, in plain words.
    package func preview(_ answer: RESPValue) -> String {
        var rows: [(label: String, value: Table.Cell)] = [
            (
                "would newly expire",
                Table.Cell(amount("expiring", in: answer), tone: number("expiring-messages", in: answer) > 0 ? .warning : nil)
            )
        ]
        let held = number("expiring-held", in: answer)
        if held > 0 {
            rows.append(("held apart", Table.Cell("\(Figures.counted(held, "message")) of these: hidden, but not destroyed while held")))
        }
        rows.append(("would be kept longer", Table.Cell(amount("kept", in: answer))))
        let estimated = number("estimated-messages", in: answer)
        if estimated > 0 {
            rows.append(("estimated", Table.Cell("\(Figures.counted(estimated, "message")), counted by share of time and not one by one")))
        }
        rows.append(("takes effect", Table.Cell(effect(answer))))
        rows.append(("counted at", Table.Cell(text(answer["position"], under: "position"))))
        return card(rows) + remark("nothing was changed; annals retention set with the same words and a --reason does it")
    }

    private func effect(_ answer: RESPValue) -> String {
        guard answer["shortens"]?.boolean == true, let time = zoned(answer["effective-at"], to: .seconds) else { return "at once" }
        return "\(time), because it shortens; until then it can be cancelled"
    }

    private func amount(_ what: String, in answer: RESPValue) -> String {
        let messages = number("\(what)-messages", in: answer)
        if messages == 0 { return "nothing" }
        let conversations = Figures.counted(number("\(what)-conversations", in: answer), "conversation")
        return "\(Figures.counted(messages, "message")) in \(conversations), \(Figures.bytes(number("\(what)-bytes", in: answer)))"
    }

    /// A count of an answer; one that is not there counts nothing.
    func number(_ key: String, in answer: RESPValue) -> Int { answer[key]?.integer ?? 0 }
}

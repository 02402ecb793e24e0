import Archive
import RESP

/// `COMMAND`: the cards, as Redis's clients read them.
extension SessionHandler {
    /// `COMMAND [COUNT | LIST | INFO [name …] | DOCS [name …]]`
    func describeCommands(_ words: borrowing CommandArguments) throws(Refusal) {
        if words.count == 1 {
            writer.array(count: CommandCard.all.count)
            for card in CommandCard.all { writer.info(card) }
        } else if words.matches(1, "COUNT"), words.count == 2 {
            writer.integer(CommandCard.all.count)
        } else if words.matches(1, "LIST"), words.count == 2 {
            writer.array(count: CommandCard.all.count)
            for card in CommandCard.all { writer.bulk(card.redisName) }
        } else if words.matches(1, "INFO") {
            let cards = words.cards()
            writer.array(count: cards.count)
            for card in cards {
                if let card { writer.info(card) } else { writer.nullArray() }
            }
        } else if words.matches(1, "DOCS") {
            let cards = words.cards().compactMap { $0 }
            writer.map(count: cards.count)
            for card in cards { writer.docs(card) }
        } else {
            throw Refusal(.badArgument, Command.command.card.complaint)
        }
    }
}

extension CommandArguments {
    /// The cards of the commands named from the third word on, or all.
    fileprivate func cards() -> [CommandCard?] {
        if count == 2 { return CommandCard.all }
        var cards: [CommandCard?] = []
        for index in 2..<count { cards.append(Command(word: self[index])?.card) }
        return cards
    }
}

extension CommandCard {
    /// Redis writes its commands' names in small letters.
    fileprivate var redisName: String { name.description.lowercased() }
}

extension ReplyWriter {
    /// Name, arity, flags, and where the keys are: nowhere, there are no keys.
    fileprivate mutating func info(_ card: CommandCard) {
        array(count: 10)
        bulk(card.redisName)
        integer(card.arity)
        array(count: card.flags.count)
        for flag in card.flags { simple(flag) }
        for _ in 0..<3 { integer(0) }
        // Categories of access, tips, key specifications, subcommands.
        for _ in 0..<4 { array(count: 0) }
    }

    fileprivate mutating func docs(_ card: CommandCard) {
        bulk(card.redisName)
        map(count: card.usage.isEmpty ? 3 : 4)
        key("summary")
        bulk(card.summary)
        key("since")
        bulk("1.0.0")
        key("group")
        bulk("generic")
        guard !card.usage.isEmpty else { return }
        // redis-cli shows it as it is while one types.
        key("arguments")
        array(count: 1)
        map(count: 3)
        key("name")
        bulk(card.usage)
        key("display_text")
        bulk(card.usage)
        key("type")
        bulk("string")
    }
}

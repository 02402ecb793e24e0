import Testing

@testable import Reception

@Suite("Commands")
struct CommandTests {
    @Test("every command has its card at its own place")
    func cardsInOrder() {
        #expect(CommandCard.all.map(\.command) == Command.allCases)
    }

    @Test("a command is found by its word, whatever the case of its letters", arguments: Command.allCases)
    func foundByWord(command: Command) {
        let word = command.card.name.description
        for spelling in [word, word.lowercased(), word.prefix(2).lowercased() + word.dropFirst(2)] {
            let found = Array(spelling.utf8).withUnsafeBytes { Command(word: $0) }
            #expect(found == command)
        }
    }

    @Test("what is no command's word is none", arguments: ["", "SEN", "SENDS", "XADD", "TIME LINE", "\u{0}END", "sen\u{44}\u{20}"])
    func notFound(word: String) {
        let found = Array(word.utf8).withUnsafeBytes { Command(word: $0) }
        #expect(found == nil)
    }

    @Test("the short way to ask how many words a command may have says what its card says", arguments: Command.allCases)
    func arity(command: Command) {
        for count in 1...20 { #expect(command.takes(count) == command.card.words.contains(count)) }
    }

    @Test("appends, and only they, gather")
    func kinds() {
        let appends = Command.allCases.filter { $0.card.kind == .append }
        #expect(appends == [.send, .localDelete, .retentionSet, .retentionCancel, .holdPlace, .holdRelease, .clockConfirm])
    }
}

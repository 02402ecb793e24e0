package import AnnalsClient
package import ArgumentParser
package import Events

/// A command that is one request to the daemon and one answer shown.
package protocol Question: AsyncParsableCommand {
    var options: GlobalOptions { get }

    /// The request; `now` is for moments such as "30d ago". Throws what makes the call senseless.
    func request(now: Instant) throws(ValidationError) -> [Word]

    /// The answer for people.
    func show(_ answer: RESPValue, in view: View) throws(Trouble) -> String

    /// The answer for programs.
    func json(_ answer: RESPValue) throws(Trouble) -> JSON
}

extension Question {
    package func json(_ answer: RESPValue) throws(Trouble) -> JSON { JSON(answer) }

    package func run() async throws {
        try await answer(to: try request(now: Zone.now()))
    }

    /// Asks, and writes the answer.
    package func answer(to words: [Word]) async throws(Trouble) {
        let client = try await options.connect()
        let answer = try await client.ask(words)
        try Output.standard.write(options.json ? try json(answer).text + "\n" : try show(answer, in: options.view))
        await client.close()
    }
}

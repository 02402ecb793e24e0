package import AnnalsClient
import ArgumentParser

/// A question whose answer comes only when the work is done. On a terminal the way there is shown.
package protocol LongQuestion: Question {
    /// The command that says later what became of it, if the answer is lost.
    var afterwards: String { get }
}

extension LongQuestion {
    package func run() async throws {
        let words = try request(now: Zone.now())
        let client = try await options.connect()
        let answer = try await awaited(words, through: client)
        try Output.standard.write(options.json ? try json(answer).text + "\n" : try show(answer, in: options.view))
        await client.close()
    }

    private func awaited(_ words: [Word], through client: AnnalsClient) async throws(Trouble) -> RESPValue {
        do throws(Trouble) {
            let line = ProgressLine(isShown: !options.json)
            guard line.isShown, let witness = await witness() else { return try await client.ask(words) }
            return try await Watch.over(words, through: client, witness: witness, drawing: line)
        } catch {
            throw error.status == .unreachable ? error.lost(afterwards: afterwards + options.retyped) : error
        }
    }

    /// A second connection: the first one is silent until the work is done.
    private func witness() async -> AnnalsClient? {
        do throws(Trouble) {
            return try await options.connect()
        } catch {
            // The daemon may have no connection to spare. A bar is not worth giving up the work for.
            return nil
        }
    }
}

extension Trouble {
    /// A lost answer does not stop the work: the daemon finishes what it has begun, after a restart as well.
    package func lost(afterwards command: String) -> Trouble {
        Trouble(status, "\(sentence); what the daemon has begun it finishes, and '\(command)' says what became of it")
    }
}

/// A request and, beside it, the progress that a second connection tells of.
private enum Watch {
    static func over(
        _ words: [Word], through client: AnnalsClient, witness: AnnalsClient, drawing line: ProgressLine
    ) async throws(Trouble) -> RESPValue {
        // Cancelled and awaited when this returns, so that the line is clear before the answer is written.
        async let _ = draw(from: witness, on: line)
        return try await client.ask(words)
    }

    private static func draw(from witness: AnnalsClient, on line: ProgressLine) async {
        var line = line
        var progress = DeedProgress()
        while !Task.isCancelled {
            do {
                let status = try await witness.call(["PURGE.STATUS"])
                if let bar = progress.bar(status, seconds: line.seconds) { line.draw(bar) }
                try await Task.sleep(for: .milliseconds(pauseMilliseconds))
            } catch {
                // Cancelled because the answer has come, or the connection is gone; the request itself says which.
                break
            }
        }
        line.clear()
        await witness.close()
    }

    private static let pauseMilliseconds = 200
}

/// What the daemon says of its work, as the bar of the phase that it is in.
package struct DeedProgress: Equatable, Sendable {
    private var phase = ""
    private var since = 0.0

    package init() {}

    /// The bar for an answer to `PURGE.STATUS`, so many seconds after the start; nil while the daemon is idle.
    package mutating func bar(_ status: RESPValue, seconds: Double) -> ProgressBar? {
        guard let state = status["state"]?.string, state != "idle" else { return nil }
        let partition = status["partition"]?.string.map { " \($0)" } ?? ""
        let deed = Harmless.line(Harmless.text(state + partition))
        // What is left is reckoned for each phase: one moves a few keys, another a million bodies.
        if deed != phase { (phase, since) = (deed, seconds) }
        return ProgressBar(
            deed: deed, done: status["done"]?.integer ?? 0, total: status["total"]?.integer ?? 0, seconds: seconds - since)
    }
}

package import AnnalsClient
package import ArgumentParser
package import Events

/// `annals partitions`
package struct PartitionsCommand: Question {
    package static let configuration = CommandConfiguration(
        commandName: "partitions",
        abstract: "Show the partitions: what lives, has expired, is held or purged, the disk they take, and when they next expire.")

    @OptionGroup package var options: GlobalOptions

    package init() {}

    package func request(now: Instant) -> [Word] { ["PARTITIONS"] }

    package func show(_ answer: RESPValue, in view: View) -> String { view.partitions(answer.array ?? []) }
}

/// `annals status`
package struct StatusCommand: Question {
    package static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Show how the daemon is doing, and how far it is with what must be destroyed.")

    @OptionGroup package var options: GlobalOptions

    package init() {}

    package func request(now: Instant) -> [Word] { ["STATS"] }

    package func show(_ answer: RESPValue, in view: View) -> String { view.status(answer) }
}

/// `annals digest`
package struct DigestCommand: Question {
    package static let configuration = CommandConfiguration(
        commandName: "digest",
        abstract: "Print a digest of everything that the events mean, and the position it was taken at.",
        discussion: "Two daemons with the same events have the same digest, and so has one before and after its projections were rebuilt.")

    @OptionGroup package var options: GlobalOptions

    package init() {}

    package func request(now: Instant) -> [Word] { ["DIGEST"] }

    package func show(_ answer: RESPValue, in view: View) -> String {
        "\(view.text(answer["digest"], under: "digest"))  \(view.text(answer["position"], under: "position"))\n"
    }
}

/// `annals shutdown`
package struct ShutdownCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "shutdown",
        abstract: "Stop the daemon. What it has accepted, it still answers. For administrators.")

    @OptionGroup var options: GlobalOptions

    package init() {}

    package func run() async throws {
        let client = try await options.connect()
        do throws(AnnalsClientError) {
            _ = try await client.call(["SHUTDOWN"])
        } catch {
            // A daemon that stops says so by closing the connection.
            guard case .connectionLost = error else { throw Trouble(error) }
        }
        if options.json { try Output.standard.write(JSON.object([.init("stopped", .bool(true))]).text + "\n") }
        await client.close()
    }
}

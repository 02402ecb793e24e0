package import AnnalsClient
package import ArgumentParser
package import Events
import Glibc

/// The options that every command has.
package struct GlobalOptions: ParsableArguments {
    @Option(
        help: .init("The daemon's socket. Default: $ANNALS_SOCKET, else \(Self.socketDefault).", valueName: "path"),
        completion: .file())
    var socket: String?

    @Flag(help: "Answer in JSON, with the wire's own names; times are ms since 1970.")
    var json = false

    @Flag(help: "Show and read times in UTC rather than in the local zone.")
    var utc = false

    package init() {}

    package static let socketDefault = "/run/annals/annals.sock"

    /// How answers are shown.
    package var view: View { View(surface: Output.standard.surface, zone: zone) }

    package var zone: Zone { utc ? .utc : .local }

    /// What must be typed again behind another command, so that it reaches the same daemon.
    var retyped: String { socket.map { " --socket \($0.shellWord)" } ?? "" }

    /// The socket that is meant.
    package func socketPath(environment: (String) -> String?) -> String {
        let named = environment("ANNALS_SOCKET").flatMap { $0.isEmpty ? nil : $0 }
        return socket ?? named ?? Self.socketDefault
    }

    /// Connects to the daemon.
    package func connect() async throws(Trouble) -> AnnalsClient {
        let path = socketPath { name in getenv(name).map { String(cString: $0) } }
        do throws(AnnalsClientError) {
            return try await AnnalsClient.connect(toSocket: path)
        } catch {
            throw Trouble(error)
        }
    }

    /// A moment that was typed.
    package func moment(_ text: String, option: String, now: Instant) throws(ValidationError) -> Moment {
        guard let moment = Moment(text, now: now, in: zone) else {
            throw ValidationError("--\(option) cannot be '\(text)'. Write \(Moment.forms), or #17 for a position.")
        }
        return moment
    }

    /// A moment that was typed where only a time makes sense.
    package func time(_ text: String, option: String, now: Instant) throws(ValidationError) -> Word {
        guard case .time(let instant) = try moment(text, option: option, now: now) else {
            throw ValidationError("--\(option) needs a time, not a position. Write \(Moment.forms).")
        }
        return .number(Int(instant.milliseconds))
    }
}

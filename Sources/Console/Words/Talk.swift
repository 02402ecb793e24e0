package import AnnalsClient

extension Trouble {
    /// What a failed call means for whoever typed the command.
    package init(_ error: AnnalsClientError) {
        switch error {
        case .refused(let code, _):
            self.init(Self.status(ofCode: code), Harmless.line(Harmless.text(error.description)))
        case .cannotConnect, .connectionLost, .closed:
            self.init(.unreachable, Harmless.line(Harmless.text(error.description)))
        case .cancelled:
            self.init(.interrupted, error.description)
        case .answerUnexpected, .commandEmpty:
            self.init(.failed, Harmless.line(Harmless.text(error.description)))
        }
    }

    /// Whether the daemon will not, or cannot: the latter may be tried again later, as it is.
    package static func status(ofCode code: String) -> EndStatus {
        switch code {
        case "BUSY", "FULL", "READONLY", "FAILED", "NOPROTO", "ERR": .failed
        default: .refused
        }
    }

    /// An answer that this version does not understand. What was answered is not shown: it may be a message.
    package static func unexpected(answerTo command: String) -> Trouble {
        Trouble(.failed, "\(command) was answered with something else than expected; annals and annalsd should be of the same version")
    }
}

extension AnnalsClient {
    /// One command, one answer, and the trouble in the words of the command line.
    package func ask(_ words: [Word]) async throws(Trouble) -> RESPValue {
        do throws(AnnalsClientError) {
            return try await call(words)
        } catch {
            throw Trouble(error)
        }
    }

    /// Commands one behind the other, and all answers; refusals are among them.
    package func ask(all commands: [[Word]]) async throws(Trouble) -> [RESPValue] {
        do throws(AnnalsClientError) {
            return try await pipeline(commands)
        } catch {
            throw Trouble(error)
        }
    }
}

import AnnalsClient
import Glibc

/// A folder in which each event has its record and its proof: `<position>.record` and `<position>.proof`.
struct EventProofs {
    let folder: String

    /// Makes the folder if it is not there and there is something to write.
    func write(of events: [RESPValue], _ client: AnnalsClient) async throws(Trouble) {
        let positions = events.compactMap { $0["position"]?.integer }
        if positions.isEmpty { return }
        guard mkdir(folder, 0o700) == 0 || errno == EEXIST else {
            throw Trouble(.input, "cannot make \(Harmless.line(Harmless.text(folder))): \(String(cString: strerror(errno)).lowercased())")
        }
        for position in positions {
            let answer = try await client.ask(["AUDIT.PROVE", .number(position)])
            guard let proof = answer["proof"]?.bytes else { throw .unexpected(answerTo: "AUDIT.PROVE") }
            try FileOutput.write(proof, to: "\(folder)/\(position).proof")
            // One that has left the log is proved by its hash alone.
            if let record = answer["record"]?.bytes { try FileOutput.write(record, to: "\(folder)/\(position).record") }
        }
    }
}

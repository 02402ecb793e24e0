import AnnalsClient
import Glibc

/// A folder in which each event has its record and its proof: `<position>.record` and `<position>.proof`.
struct EventProofs {
    private let folder: String

    /// Makes the folder if it is not there.
    init(in folder: String) throws(Trouble) {
        self.folder = folder
        guard mkdir(folder, 0o700) == 0 || errno == EEXIST else {
            throw Trouble(.input, "cannot make \(Harmless.line(Harmless.text(folder))): \(String(cString: strerror(errno)).lowercased())")
        }
    }

    func write(of events: [RESPValue], _ client: AnnalsClient) async throws(Trouble) {
        for position in events.compactMap({ $0["position"]?.integer }) {
            let answer = try await client.ask(["AUDIT.PROVE", .number(position)])
            guard let proof = answer["proof"]?.bytes else { throw .unexpected(answerTo: "AUDIT.PROVE") }
            try FileOutput.write(proof, to: "\(folder)/\(position).proof")
            // One that has left the log is proved by its hash alone.
            if let record = answer["record"]?.bytes { try FileOutput.write(record, to: "\(folder)/\(position).record") }
        }
    }
}

import FoundationEssentials
import Glibc
import Merkle

/// Where checkpoints and the keys to check them lie: `audit/` in the data folder.
struct AuditFolder: Sendable {
    let path: String
    /// The log's own, and so its keys'.
    let keyName: NoteKeyName
    /// Where the secret half of the key lies; by default in this folder, best elsewhere.
    let signingKey: String

    /// - Parameter origin: as `annals.json` says.
    init(of data: String, origin: String, signingKey: String? = nil) throws(ArchiveFailure) {
        guard let name = NoteKeyName(origin) else {
            throw .folder(
                path: data + "/annals.json", reason: "names an origin with spaces or a plus, '\(origin)', which cannot be a key's name")
        }
        path = data + "/audit"
        keyName = name
        self.signingKey = signingKey ?? path + "/signing.key"
    }

    /// Whether a log cannot have this name, since its keys could not.
    static func isUnfit(origin: String) -> Bool { NoteKeyName(origin) == nil }

    var keyList: String { path + "/keys" }
    var checkpoints: CheckpointFile { CheckpointFile(path: path + "/checkpoints") }
    var origin: NoteLine { keyName.line }

    func make() throws(ArchiveFailure) { try DataFolder.makeFolder(path) }

    /// All public keys, the oldest first; none where nothing was signed yet.
    func verifiers() throws(ArchiveFailure) -> [VerifierKey] {
        guard access(keyList, F_OK) == 0 else { return [] }
        do {
            let text = String(decoding: try Data(contentsOf: URL(filePath: keyList)), as: UTF8.self)
            return try text.split(separator: "\n").map { try VerifierKey(parsing: String($0)) }
        } catch let fault as NoteKeyFault {
            throw .folder(path: keyList, reason: "holds a line that is no key (\(fault.explanation)); restore it from a backup")
        } catch {
            throw .folder(path: keyList, reason: "cannot be read (\(error.inWords)); check whose it is")
        }
    }

    func write(_ verifiers: [VerifierKey]) throws(ArchiveFailure) {
        try DurableFile.write(Array(verifiers.map { $0.text + "\n" }.joined().utf8), to: keyList)
    }
}

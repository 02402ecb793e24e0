import FoundationEssentials
import Vault

/// Whether `annals.json` is of the archive that it lies in: nothing that is signed has the instance in it.
struct InstanceAudit {
    private let files: LogFiles

    init(of files: LogFiles) { self.files = files }

    private var place: String { files.path + "/annals.json" }

    func run(_ report: inout AuditReport) {
        if let other = originsInstance, other != files.instance {
            report.notes.append("\(place) names the instance \(files.instance), and an origin that was made from \(other)")
        }
        do {
            guard let other = try Vault.instance(ofKeyringIn: files.path + "/vault"), other != files.instance else { return }
            report.note(
                .damaged, in: place,
                "it names the instance \(files.instance), and the keyring is that of \(other): one of the two is another archive's")
        } catch {
            // Only those who have keys open it, and with them (`--bodies`) it must be whole.
            report.notes.append("whose the keyring is was not looked at: \(error)")
        }
    }

    /// Of an origin that nobody chose. Somebody may have chosen one that looks like it, so this is no finding.
    private var originsInstance: String? {
        let prefix = "annals/"
        guard files.origin.hasPrefix(prefix) else { return nil }
        let name = String(files.origin.dropFirst(prefix.count))
        return UUID(uuidString: name) == nil ? nil : name
    }
}

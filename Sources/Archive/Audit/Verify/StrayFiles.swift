import FoundationEssentials
import Ledger

/// What lies in a data folder and is none of an archive's files: nobody reads it, no purge reaches what is in it, and no verification
/// looks into it. Worth knowing, and no finding: a crash leaves some, and so do people.
struct StrayFiles {
    private let files: LogFiles

    /// So many are named; the others are counted.
    private static let namedMax = 20

    init(of files: LogFiles) { self.files = files }

    /// Beside a daemon nothing is told: it makes files, and removes them, all the time.
    func tell(_ report: inout AuditReport) {
        if files.isLive { return }
        let strays = found
        for path in strays.prefix(Self.namedMax) {
            report.notes.append("\(path) is none of an archive's files: nothing reads it, and no purge reaches what is in it")
        }
        if strays.count > Self.namedMax { report.notes.append("and so are \(strays.count - Self.namedMax) others") }
    }

    private var found: [String] {
        let folders: [(name: String, isKnown: (String) -> Bool)] = [
            (
                "",
                Set([
                    "LOCK", "annals.json", "audit", "clock", "journal", "lost+found", "partitions", "state.mdb", "state.mdb-lock",
                    "state.mdb.sums", "state.mdb.sums.new", "vault",
                ]).contains
            ),
            ("/partitions", isOfPartition), ("/journal", Self.isSegment), ("/vault", Set(["keyring", "root.key", "escrowed"]).contains),
            ("/audit", Set(["checkpoints", "keys", "signing.key"]).contains),
        ]
        return folders.flatMap { folder in
            names(in: files.path + folder.name).filter { !folder.isKnown($0) }.map { "\(files.path)\(folder.name)/\($0)" }
        }
    }

    /// In order; none where there is no such folder, of which others tell.
    private func names(in folder: String) -> [String] {
        do { return try FileManager.default.contentsOfDirectory(atPath: folder).sorted() } catch { return [] }
    }

    /// Data and tombstones by other names than a partition's are findings, which others tell.
    private func isOfPartition(_ name: String) -> Bool {
        if name.hasSuffix(".mdb") || name.hasSuffix(".tombstone") { return true }
        for suffix in [".mdb-lock", ".mdb.sums", ".mdb.sums.new", ".mdb.compact", ".mdb.compact-lock"] where name.hasSuffix(suffix) {
            return files.shelf.length.partition(named: name.dropLast(suffix.count)).map(files.shelf.contains) ?? false
        }
        return false
    }

    private static func isSegment(_ name: String) -> Bool {
        name.hasSuffix(".aj") && name.utf8.count == 19 && name.utf8.prefix(16).allSatisfy { (0x30...0x39).contains($0) }
    }
}

import Merkle

/// The checkpoints that a log must agree with: those in its folder, and those that were kept elsewhere.
struct CheckpointAudit {
    /// By size, ascending, each with where it is from, and whose key signed it, as far as keys are known.
    private(set) var heads: [(head: TreeHead, place: String, signer: String?)] = []
    private(set) var count = 0
    /// Nobody can tell who signed them, since no key is known.
    private var isUnsigned = false

    /// - Parameters:
    ///   - outside: files of checkpoints, or single ones.
    ///   - trusted: keys that whoever asks knows from elsewhere; none: those that the folder lists.
    init(_ folder: AuditFolder, outside: [String], trusted: [VerifierKey], _ report: inout AuditReport) {
        var keys = trusted
        if keys.isEmpty {
            do { keys = try folder.verifiers() } catch { report.note(.damaged, in: folder.keyList, "\(error)") }
            if keys.isEmpty { isUnsigned = true }
        }
        for file in [folder.checkpoints] + outside.map(CheckpointFile.init) {
            let (notes, behind): ([SignedNote], CheckpointFile.Remainder)
            do { (notes, behind) = try file.all(of: folder.origin) } catch {
                report.note(.damaged, in: file.path, "\(error)")
                continue
            }
            switch behind {
            case .nothing where notes.isEmpty && outside.contains(file.path):
                report.notes.append("\(file.path) holds no checkpoint, so it vouches for nothing")
            case .nothing: break
            case .torn: report.notes.append("\(file.path) ends with half a checkpoint, which a crash left and nobody was given")
            case .other:
                report.note(.damaged, in: file.path, "behind \(notes.count) checkpoints it holds what is none; compare it with a backup")
            }
            for note in notes { take(note, of: folder, keys, file.path, &report) }
        }
        if isUnsigned, count > 0 {
            report.note(
                .damaged, in: folder.keyList, "no public key is known, so nobody can tell who signed the checkpoints; give one with --key")
        }
        heads.sort { $0.head.size < $1.head.size }
        tellTwoRoots(&report)
        tellHoles(in: folder.checkpoints.path, &report)
        report.checkpoints = count
    }

    /// No log has two histories, whatever its records are now.
    private func tellTwoRoots(_ report: inout AuditReport) {
        var told: TreeSize?
        for (one, other) in zip(heads, heads.dropFirst()) where one.head.size == other.head.size && one.head.root != other.head.root {
            if told == one.head.size { continue }
            told = one.head.size
            report.note(
                .tampered, in: other.place,
                "two roots were signed for the size \(one.head.size), the other one in \(one.place): the log was written anew, or a copy of "
                    + "it went on beside it")
        }
    }

    /// A checkpoint is kept elsewhere first, so a crash or a full disk may leave one there alone. Worth knowing, and no finding.
    private func tellHoles(in own: String, _ report: inout AuditReport) {
        let sizes = Set(heads.filter { $0.place == own }.map(\.head.size))
        guard let last = sizes.max() else { return }
        let missing = Set(heads.map(\.head.size)).subtracting(sizes).filter { $0 < last }
        guard let first = missing.min() else { return }
        report.notes.append(
            "\(own) lacks \(missing.count) of the checkpoints that were kept elsewhere, the first one of size \(first): somebody took them "
                + "out, or a crash or a full disk kept them from it")
    }

    private mutating func take(
        _ note: SignedNote, of folder: AuditFolder, _ keys: [VerifierKey], _ place: String, _ report: inout AuditReport
    ) {
        count += 1
        do {
            let checkpoint = try Checkpoint(parsing: note.text)
            guard checkpoint.origin == folder.origin else { throw CheckpointFault.otherLog(checkpoint.origin) }
            let signer: VerifierKey?
            do { signer = isUnsigned ? nil : try note.verify(with: keys).last } catch {
                return report.note(
                    .tampered, in: place, "the checkpoint of size \(checkpoint.head.size) was not signed by this log: \(error.explanation)")
            }
            heads.append((checkpoint.head, place, signer.map { "\($0.name)+\($0.id)" }))
        } catch {
            let why = (error as? CheckpointFault)?.explanation ?? "\(error)"
            report.note(.tampered, in: place, "a checkpoint is none of this log's: \(why)")
        }
    }

    /// Whether keys are listed, and nothing that they signed.
    func isEmptyBesideKeys(_ folder: AuditFolder) -> Bool {
        // A list that cannot be read is told already.
        do { return try count == 0 && !folder.verifiers().isEmpty } catch { return false }
    }

    var sizes: [UInt64] { Set(heads.map(\.head.size.leaves)).sorted() }
}

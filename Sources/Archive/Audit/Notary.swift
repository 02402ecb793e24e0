import Merkle
import Synchronization

/// When checkpoints are signed, and where they go besides the data folder.
package struct AuditOptions: Sendable {
    /// How long after the last one a checkpoint is signed, if the log has grown.
    package var checkpointMilliseconds: Int64 = 300_000
    /// A file elsewhere that gets each checkpoint too; nil: there is none.
    package var outsideFile: String?
    /// Where the signing key lies; nil: in the data folder's `audit/`.
    package var signingKey: String?
    /// False only to measure what the tree costs.
    package var growsTree = true

    package init() {}
}

/// Signs what the log is: a checkpoint of its audit tree, each time behind those before.
///
/// The one thing that it must never do is to sign two trees that do not agree. So before each signature the last one is looked at: the tree
/// must still have that root at that size. One whose log was cut off or changed since signs nothing any more, and says so.
final class Notary: Sendable {
    private let folder: AuditFolder
    private let outside: CheckpointFile?
    private let state: Mutex<State>

    struct Signed: Hashable, Sendable {
        var note: SignedNote
        var head: TreeHead
    }

    private struct State {
        var keys: SigningKeys?
        var last: Signed?
        /// Whether the file elsewhere was there when it was last looked at.
        var knowsOutside = false
    }

    /// Looks at what was signed so far. Writes nothing.
    init(_ folder: AuditFolder, _ options: AuditOptions) throws(ArchiveFailure) {
        self.folder = folder
        outside = options.outsideFile.map(CheckpointFile.init)
        let keys = try SigningKeys.found(in: folder)
        // The file elsewhere counts as well: a folder that was restored with its own older list would sign another root for a size.
        var last: Signed?
        for file in [folder.checkpoints, outside].compactMap(\.self) {
            guard let note = try file.newest() else { continue }
            let signed = try Self.open(note, folder, file, keys?.known ?? [])
            if last.map({ $0.head.size < signed.head.size }) ?? true { last = signed }
        }
        state = Mutex(State(keys: keys, last: last, knowsOutside: outside?.isThere ?? false))
    }

    /// Makes a key where there is none yet.
    func settle() throws(ArchiveFailure) {
        try state.withLock { (state) throws(ArchiveFailure) in state.keys = try SigningKeys.settled(state.keys, in: folder) }
    }

    /// The public keys, the oldest first.
    var verifiers: [VerifierKey] { state.withLock { $0.keys?.verifiers ?? [] } }
    var newest: Signed? { state.withLock { $0.last } }

    /// A checkpoint of what is folded. The last one again, if nothing came behind it.
    func sign(_ tree: AuditTree) throws(ArchiveFailure) -> Signed {
        try state.withLock { (state) throws(ArchiveFailure) in
            guard let signer = state.keys?.signer else { preconditionFailure("nothing can be signed because nobody has called settle") }
            let size = try tree.size()
            if let last = state.last {
                try check(last, against: tree, of: size)
                if last.head.size == size { return last }
            }
            try checkFiles(&state)
            let head = try tree.head(at: size)
            let signed = Signed(note: Checkpoint(origin: folder.origin, head: head).signed(by: signer), head: head)
            // Elsewhere first: what the data folder says was signed is then known elsewhere.
            try outside?.append(signed.note, of: folder.origin)
            try folder.checkpoints.append(signed.note, of: folder.origin)
            state.knowsOutside = outside != nil
            state.last = signed
            return signed
        }
    }

    /// The checkpoint that was signed at a size, if one was.
    func signed(at size: TreeSize) throws(ArchiveFailure) -> Signed? {
        // The newest may be known only elsewhere, where the folder was restored.
        if let newest, newest.head.size == size { return newest }
        guard let note = try folder.checkpoints.note(of: size, by: folder.origin) else { return nil }
        return try Self.open(note, folder, folder.checkpoints, verifiers)
    }

    /// Both before either is written to: what is elsewhere must not grow with each attempt.
    private func checkFiles(_ state: inout State) throws(ArchiveFailure) {
        for file in [outside, folder.checkpoints].compactMap(\.self) { try file.check(for: folder.origin) }
        guard let outside, state.knowsOutside, !outside.isThere else { return }
        // Said once, and not for good: a log that is never signed again would be worse than one whose file elsewhere begins anew.
        state.knowsOutside = false
        throw .folder(
            path: outside.path,
            reason:
                "has gone, and what was kept in it; if nobody moved it away, find out who removed it. The next checkpoint begins a new file"
        )
    }

    private func check(_ last: Signed, against tree: AuditTree, of size: TreeSize) throws(ArchiveFailure) {
        guard last.head.size <= size else {
            throw disagreement("the log ends at \(size), and a checkpoint of \(last.head.size) was signed: its end was cut off")
        }
        guard try tree.head(at: last.head.size).root == last.head.root else {
            throw disagreement("at \(last.head.size) the log has another root than the checkpoint that was signed")
        }
    }

    private func disagreement(_ reason: String) -> ArchiveFailure {
        .folder(path: folder.checkpoints.path, reason: "\(reason). Nothing is signed; run 'annals audit verify' on a copy of the folder")
    }

    /// A checkpoint whose signature and origin were looked at.
    static func open(
        _ note: SignedNote, _ folder: AuditFolder, _ file: CheckpointFile, _ known: [VerifierKey]
    ) throws(ArchiveFailure) -> Signed {
        do {
            _ = try note.verify(with: known)
            let checkpoint = try Checkpoint(parsing: note.text)
            guard checkpoint.origin == folder.origin else { throw CheckpointFault.otherLog(checkpoint.origin) }
            return Signed(note: note, head: checkpoint.head)
        } catch {
            let why = (error as? NoteFault)?.explanation ?? (error as? CheckpointFault)?.explanation ?? "\(error)"
            throw .folder(path: file.path, reason: "holds one that is not this log's: \(why); run 'annals audit verify'")
        }
    }
}

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
/// The one thing that it must never do is to sign two trees that do not agree. So before each signature the last one is looked at, and the
/// last of each file: the tree must still have that root at that size. One whose log was cut off or changed since signs nothing any more, and
/// says so; and so does a copy of a folder beside a file in which the other one signs.
final class Notary: Sendable {
    private let folder: AuditFolder
    private let outside: CheckpointFile?
    /// Both.
    private let files: [CheckpointFile]
    private let state: Mutex<State>

    struct Signed: Hashable, Sendable {
        var note: SignedNote
        var head: TreeHead
    }

    private struct State {
        var keys: SigningKeys?
        /// What was signed last; behind a start, of each file, since two that were signed for one size may have two roots.
        var newest: [Signed] = []
        /// By path: how far the file went when it was last looked at. None of one that was not there, or had nothing in it.
        var ends: [String: TreeSize] = [:]

        var last: Signed? { newest.max { $0.head.size < $1.head.size } }
        var known: [VerifierKey] { keys?.known ?? [] }
    }

    /// Looks at what was signed so far. Writes nothing.
    init(_ folder: AuditFolder, _ options: AuditOptions) throws(ArchiveFailure) {
        self.folder = folder
        outside = options.outsideFile.map(CheckpointFile.init)
        var found = State(keys: try SigningKeys.found(in: folder))
        // The file elsewhere counts as well: a folder that was restored with its own older list would sign another root for a size.
        files = [folder.checkpoints, outside].compactMap(\.self)
        for file in files {
            let signed = try Self.largest(in: file, folder, found.known)
            found.newest += signed
            found.ends[file.path] = signed.first?.head.size
        }
        state = Mutex(found)
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
            try check(state.newest, in: folder.checkpoints, against: tree, of: size)
            if let last = state.last, last.head.size == size { return last }
            try checkFiles(&state, against: tree, of: size)
            let head = try tree.head(at: size)
            let signed = Signed(note: Checkpoint(origin: folder.origin, head: head).signed(by: signer), head: head)
            // Elsewhere first: what the data folder says was signed is then known elsewhere.
            try outside?.append(signed.note, of: folder.origin)
            try folder.checkpoints.append(signed.note, of: folder.origin)
            for file in files { state.ends[file.path] = size }
            state.newest = [signed]
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
    ///
    /// Not only what we know of is in them: a copy of the folder may sign in the file elsewhere, and one that was away may have come back.
    private func checkFiles(_ state: inout State, against tree: AuditTree, of size: TreeSize) throws(ArchiveFailure) {
        var ends: [TreeSize?] = []
        for file in files {
            try file.check(for: folder.origin)
            let found = try Self.largest(in: file, folder, state.known)
            try check(found, in: file, against: tree, of: size)
            ends.append(found.first?.head.size)
        }
        for (file, end) in zip(files, ends) { try check(file, endingAt: end, &state) }
    }

    /// That something has gone is said once, and not for good: a log that is never signed again would be worse than one whose file begins
    /// anew.
    private func check(_ file: CheckpointFile, endingAt end: TreeSize?, _ state: inout State) throws(ArchiveFailure) {
        let before = state.ends[file.path]
        state.ends[file.path] = end
        guard let before, end.map({ $0 < before }) ?? true else { return }
        guard file.isThere else {
            throw .folder(
                path: file.path,
                reason:
                    "has gone, and what was kept in it; if nobody moved it away, find out who removed it. The next checkpoint begins a new file"
            )
        }
        throw .folder(
            path: file.path,
            reason: "has lost its last checkpoints: it went to \(before), and goes to \(end ?? .empty); if nobody put an older one there, "
                + "find out who cut it. The next checkpoint goes behind what is there")
    }

    private func check(_ signed: [Signed], in file: CheckpointFile, against tree: AuditTree, of size: TreeSize) throws(ArchiveFailure) {
        for head in Set(signed.map(\.head)) {
            guard head.size <= size else {
                throw disagreement(file, "the log ends at \(size), and a checkpoint of \(head.size) was signed: its end was cut off")
            }
            guard try tree.head(at: head.size).root == head.root else {
                throw disagreement(file, "at \(head.size) the log has another root than the checkpoint that was signed")
            }
        }
    }

    private func disagreement(_ file: CheckpointFile, _ reason: String) -> ArchiveFailure {
        .folder(path: file.path, reason: "\(reason). Nothing is signed; run 'annals audit verify' on a copy of the folder")
    }

    /// Those of the largest size in a file.
    private static func largest(
        in file: CheckpointFile, _ folder: AuditFolder, _ known: [VerifierKey]
    ) throws(ArchiveFailure) -> [Signed] {
        try file.largest().map { (note) throws(ArchiveFailure) in try open(note, folder, file, known) }
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

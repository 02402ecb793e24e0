/// What a log signs: that it is this log, and that its tree had this size and this root (https://c2sp.org/tlog-checkpoint).
package struct Checkpoint: Hashable, Sendable {
    /// Which log it is.
    package let origin: NoteLine
    package let head: TreeHead
    /// Nobody who watches a log can check them, so Annals writes none.
    package let extensions: [NoteLine]

    package init(origin: NoteLine, head: TreeHead, extensions: [NoteLine] = []) {
        self.origin = origin
        self.head = head
        self.extensions = extensions
    }

    /// Of a note's text: origin, size in decimal, root in base64, and extensions, a line each.
    package init(parsing text: [UInt8]) throws(CheckpointFault) {
        guard text.last == NoteLine.end else { throw .malformed }
        let lines = text.dropLast().split(separator: NoteLine.end, omittingEmptySubsequences: false)
        guard lines.count >= 3, let origin = NoteLine(lines[0]) else { throw .malformed }
        guard let leaves = UInt64(decimal: lines[1]), let root = TreeHash(base64: lines[2]) else { throw .malformed }
        let extensions = lines[3...].compactMap { NoteLine($0) }
        guard extensions.count == lines.count - 3 else { throw .malformed }
        self.init(origin: origin, head: TreeHead(size: TreeSize(leaves), root: root), extensions: extensions)
    }

    /// Of a note that has to be signed by a log's key. Other signatures, such as those of witnesses, are ignored.
    package init(opening note: SignedNote, of origin: NoteLine, with key: VerifierKey) throws(CheckpointFault) {
        do { _ = try note.verify(with: [key]) } catch { throw .note(error) }
        try self.init(parsing: note.text)
        guard self.origin == origin else { throw .otherLog(self.origin) }
    }

    /// What is signed.
    package var text: [UInt8] {
        let lines = [origin.utf8, Array("\(head.size)".utf8), Array(head.root.base64.utf8)] + extensions.map(\.utf8)
        return lines.flatMap { $0 + [NoteLine.end] }
    }

    package func signed(by signer: NoteSigner) -> SignedNote {
        do {
            var note = try SignedNote(text: text)
            note.sign(with: signer)
            return note
        } catch { preconditionFailure("a checkpoint is the text of a note because its lines are: \(error)") }
    }
}

/// Why a note is no checkpoint of the log.
package enum CheckpointFault: Error, Equatable, Sendable {
    /// Not the lines that a checkpoint has.
    case malformed
    case otherLog(NoteLine)
    case note(NoteFault)

    /// A sentence.
    package var explanation: String {
        switch self {
        case .malformed: "the checkpoint is not an origin, a size and a root, a line each"
        case .otherLog(let origin): "the checkpoint is of another log: \(origin)"
        case .note(let fault): fault.explanation
        }
    }
}

/// A text and who signed it (https://c2sp.org/signed-note). The text means nothing until a known key's signature is verified.
package struct SignedNote: Hashable, Sendable {
    /// More signatures are refused, as golang.org/x/mod/sumdb/note does; 16 have to be accepted.
    package static let signaturesMax = 100
    /// A hundred signatures of a kind that quantum computers do not break have half of it.
    package static let bytesMax = 1 << 20

    /// UTF-8 without control characters but newlines, and a newline at the end.
    package let text: [UInt8]
    package private(set) var signatures: [NoteSignature] = []

    /// A text that nobody has signed yet.
    package init(text: [UInt8]) throws(NoteFault) {
        try Self.check(text)
        guard text.last == NoteLine.end else { throw .malformed }
        self.text = text
    }

    /// Signatures of whatever keys are taken as they are; a line that is none is refused.
    package init(parsing note: [UInt8]) throws(NoteFault) {
        try Self.check(note)
        guard note.last == NoteLine.end,
            let end = note.indices.dropLast().last(where: { note[$0] == NoteLine.end && note[$0 + 1] == NoteLine.end })
        else { throw .malformed }
        text = Array(note[...end])
        let lines = note[(end + 2)...].dropLast().split(separator: NoteLine.end, omittingEmptySubsequences: false)
        guard lines.count <= Self.signaturesMax else { throw .tooLong }
        for line in lines {
            guard let signature = NoteSignature(line: line) else { throw .malformed }
            signatures.append(signature)
        }
    }

    private static func check(_ bytes: [UInt8]) throws(NoteFault) {
        guard bytes.count <= bytesMax else { throw .tooLong }
        guard bytes.allSatisfy({ $0 >= 0x20 || $0 == NoteLine.end }) else { throw .controlCharacter }
        guard String(validating: bytes, as: UTF8.self) != nil else { throw .notUTF8 }
    }

    /// What was parsed, byte for byte. Nobody can read it back before it is signed.
    package var bytes: [UInt8] {
        text + [NoteLine.end] + signatures.flatMap { $0.line + [NoteLine.end] }
    }

    /// Adds a signature behind the others. An earlier one of the same key gives way.
    package mutating func sign(with signer: NoteSigner) {
        signatures.removeAll { $0.isBy(signer.verifier) }
        signatures.append(signer.signature(of: text))
    }

    /// Checks the signatures of those keys that are known, and says whose there are, in the order of the keys.
    ///
    /// What other keys signed is ignored, even under a known name. A wrong signature under a known name and id makes the whole note
    /// worthless, though others may be right.
    package func verify(with known: some Sequence<VerifierKey>) throws(NoteFault) -> [VerifierKey] {
        var verified: [VerifierKey] = []
        for key in known {
            let own = signatures.filter { $0.isBy(key) }
            guard own.allSatisfy({ key.isValid($0.bytes, of: text) }) else { throw .wrongSignature(key.name, key.id) }
            if !own.isEmpty { verified.append(key) }
        }
        guard !verified.isEmpty else { throw .unknownKeys }
        return verified
    }
}

/// Why bytes are no signed note, or none to be believed.
package enum NoteFault: Error, Equatable, Sendable {
    /// More than a megabyte, or more than a hundred signatures.
    case tooLong
    case controlCharacter
    case notUTF8
    /// No text, no empty line, or a line behind it that is no signature.
    case malformed
    case wrongSignature(NoteKeyName, NoteKeyID)
    /// None of the signatures is of a known key.
    case unknownKeys

    /// A sentence.
    package var explanation: String {
        switch self {
        case .tooLong: "the note is longer than a megabyte, or has more than a hundred signatures"
        case .controlCharacter: "the note holds a control character"
        case .notUTF8: "the note is not valid UTF-8"
        case .malformed: "the note is not a text, an empty line, and lines of signatures"
        case .wrongSignature(let name, let id): "the signature of \(name)+\(id) is not of this text"
        case .unknownKeys: "the note has no signature of a known key"
        }
    }
}

/// A proof for a file, to be checked without the log: that an entry is in it, and the checkpoint that says so
/// (https://c2sp.org/tlog-proof).
package struct TLogProof: Hashable, Sendable {
    /// Whatever the application needs beside; nobody has signed it.
    package let extra: [UInt8]?
    package let inclusion: InclusionProof
    package let checkpoint: SignedNote

    private static let header = Array("c2sp.org/tlog-proof@v1".utf8)
    private static let extraMark = Array("extra ".utf8)
    private static let indexMark = Array("index ".utf8)

    package init(_ inclusion: InclusionProof, checkpoint: SignedNote, extra: [UInt8]? = nil) {
        self.inclusion = inclusion
        self.checkpoint = checkpoint
        self.extra = extra
    }

    package init(parsing bytes: [UInt8]) throws(TLogProofFault) {
        guard let end = bytes.indices.dropLast().first(where: { bytes[$0] == NoteLine.end && bytes[$0 + 1] == NoteLine.end })
        else { throw .malformed }
        var lines = bytes[..<end].split(separator: NoteLine.end, omittingEmptySubsequences: false)[...]
        guard lines.popFirst() == Self.header[...] else { throw .malformed }
        extra = try Self.takeExtra(from: &lines)
        guard let line = lines.popFirst(), line.starts(with: Self.indexMark),
            let index = UInt64(decimal: line.dropFirst(Self.indexMark.count))
        else { throw .malformed }
        let hashes = lines.compactMap { TreeHash(base64: $0) }
        guard hashes.count == lines.count else { throw .malformed }
        inclusion = InclusionProof(index: LeafIndex(index), hashes: hashes)
        do { checkpoint = try SignedNote(parsing: Array(bytes[(end + 2)...])) } catch { throw .checkpoint(.note(error)) }
    }

    private static func takeExtra(from lines: inout ArraySlice<ArraySlice<UInt8>>) throws(TLogProofFault) -> [UInt8]? {
        guard let line = lines.first, line.starts(with: extraMark) else { return nil }
        guard let extra = Base64.bytes(of: line.dropFirst(extraMark.count)) else { throw .malformed }
        lines.removeFirst()
        return extra
    }

    /// What was parsed, byte for byte.
    package var bytes: [UInt8] {
        var lines = [Self.header]
        if let extra { lines.append(Self.extraMark + Base64.text(of: extra).utf8) }
        lines.append(Self.indexMark + "\(inclusion.index)".utf8)
        lines += inclusion.hashes.map { Array($0.base64.utf8) }
        return lines.flatMap { $0 + [NoteLine.end] } + [NoteLine.end] + checkpoint.bytes
    }

    /// Checks that the log's key signed a checkpoint of a tree that a record of this hash is in, and gives that checkpoint.
    package func verify(leaf: TreeHash, of origin: NoteLine, with key: VerifierKey) throws(TLogProofFault) -> Checkpoint {
        let opened: Checkpoint
        do { opened = try Checkpoint(opening: checkpoint, of: origin, with: key) } catch { throw .checkpoint(error) }
        do { try inclusion.verify(leaf: leaf, in: opened.head) } catch { throw .inclusion(error) }
        return opened
    }
}

/// Why a proof is none, or proves nothing.
package enum TLogProofFault: Error, Equatable, Sendable {
    /// Not the lines that such a proof has.
    case malformed
    case checkpoint(CheckpointFault)
    case inclusion(ProofFault)

    /// A sentence.
    package var explanation: String {
        switch self {
        case .malformed: "the file is not a proof of the form c2sp.org/tlog-proof@v1"
        case .checkpoint(let fault): fault.explanation
        case .inclusion(let fault): fault.explanation
        }
    }
}

/// Signed checkpoints in a row, taken apart: each is lines of text, an empty line, and lines of signatures.
///
/// Behind each there is an empty line where Annals wrote it, and none where somebody put together what 'annals audit checkpoint' printed; and
/// an editor may have taken the end of the last line. Both change nothing of what was signed. Behind the first thing that is no checkpoint
/// nothing counts any more.
struct CheckpointText {
    /// Each with the end of its last line.
    private(set) var notes: [[UInt8]] = []
    /// What is behind them.
    private(set) var rest: ArraySlice<UInt8>
    /// What the last one lacks before another one may follow.
    private(set) var closing: [UInt8] = []

    static let lineEnd = UInt8(ascii: "\n")
    private static let signatureMark = Array("— ".utf8)
    /// Key id and signature, 68 bytes in base64: what is shorter was cut off.
    private static let signatureCharacters = 92

    init(_ bytes: [UInt8]) {
        rest = bytes[...]
        while let (note, closing) = Self.note(at: &rest) {
            notes.append(note)
            self.closing = closing
        }
    }

    /// The note that begins here, if one does.
    static func first(in bytes: ArraySlice<UInt8>) -> [UInt8]? {
        var rest = bytes
        return note(at: &rest)?.note
    }

    /// The second line of its text, which nobody vouches for yet.
    static func size(of note: [UInt8]) -> UInt64? {
        let lines = note.split(separator: lineEnd, maxSplits: 2, omittingEmptySubsequences: false)
        return lines.count > 1 ? UInt64(String(decoding: lines[1], as: UTF8.self)) : nil
    }

    /// Takes a note off, and says what it lacks before another one may follow.
    private static func note(at bytes: inout ArraySlice<UInt8>) -> (note: [UInt8], closing: [UInt8])? {
        var lines = Lines(rest: bytes)
        guard var line = lines.next(), !line.isEmpty else { return nil }
        while !line.isEmpty {
            if line.contains(0) { return nil }  // Where a crash kept the file's length, and not its bytes.
            guard lines.isEnded, let next = lines.next() else { return nil }
            line = next
        }
        guard lines.isEnded else { return nil }
        var end: Lines?
        while true {
            var following = lines
            guard let line = following.next(), line.starts(with: signatureMark) else { break }
            guard following.isEnded || isWhole(line) else { return nil }
            lines = following
            end = following
        }
        guard let end else { return nil }
        let note = Array(bytes[..<end.rest.startIndex])
        if !end.isEnded {
            bytes = end.rest
            return (note + [lineEnd], [lineEnd, lineEnd])
        }
        let isClosed = end.rest.first == lineEnd
        bytes = isClosed ? end.rest.dropFirst() : end.rest
        return (note, isClosed ? [] : [lineEnd])
    }

    /// Of a line without its end: whether the signature is all there.
    private static func isWhole(_ line: ArraySlice<UInt8>) -> Bool {
        let start = line.lastIndex(of: UInt8(ascii: " ")).map { $0 + 1 } ?? line.startIndex
        return line.endIndex - start == signatureCharacters
    }

    /// Lines, one after the other.
    private struct Lines {
        var rest: ArraySlice<UInt8>
        /// Whether the last one had its end.
        var isEnded = true

        init(rest: ArraySlice<UInt8>) { self.rest = rest }

        mutating func next() -> ArraySlice<UInt8>? {
            if rest.isEmpty { return nil }
            let end = rest.firstIndex(of: CheckpointText.lineEnd)
            isEnded = end != nil
            let line = rest[..<(end ?? rest.endIndex)]
            rest = rest[(end.map { $0 + 1 } ?? rest.endIndex)...]
            return line
        }
    }
}

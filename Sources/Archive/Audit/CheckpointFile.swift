import Glibc
import Merkle

/// Signed checkpoints one after the other, an empty line behind each: a text that people can read and outsiders can keep.
///
/// Only ever appended to. What a crash left half written was given to nobody: it is passed over, and cut off before the next one. Of
/// anything else not a byte is touched: whoever configures this file may have named another one.
struct CheckpointFile: Sendable {
    let path: String

    /// All of them, the oldest first; none where there is no such file.
    func notes() throws(ArchiveFailure) -> [SignedNote] {
        var notes: [SignedNote] = []
        for range in Self.whole(in: try bytes()) {
            do { notes.append(try SignedNote(parsing: Array(range))) } catch {
                throw .folder(path: path, reason: "holds what is no checkpoint (\(error.explanation)); restore it from a backup")
            }
        }
        return notes
    }

    /// The last one of a size; nil if there is none. Of all the others only the text is looked at: there may be a hundred thousand.
    func note(of size: TreeSize, by origin: NoteLine) throws(ArchiveFailure) -> SignedNote? {
        let bytes = try bytes()
        let head = origin.utf8 + Array("\n\(size)\n".utf8)
        let behindOther = [Self.lineEnd, Self.lineEnd] + head
        var start = bytes.starts(with: head) ? 0 : nil
        var place = 0
        while let next = Self.place(of: behindOther, in: bytes, from: place) {
            start = next + 2
            place = next + 2
        }
        guard let start, let range = Self.firstWhole(in: bytes[start...]) else { return nil }
        do { return try SignedNote(parsing: Array(range)) } catch {
            throw .folder(path: path, reason: "holds what is no checkpoint (\(error.explanation)); restore it from a backup")
        }
    }

    private static func place(of sought: [UInt8], in bytes: [UInt8], from start: Int) -> Int? {
        bytes.withUnsafeBytes { all in
            guard let base = all.baseAddress else { return nil }
            var place = start
            while place + sought.count <= all.count, let found = memchr(base + place, CInt(sought[0]), all.count - place) {
                place = base.distance(to: UnsafeRawPointer(found))
                if place + sought.count <= all.count, memcmp(found, sought, sought.count) == 0 { return place }
                place += 1
            }
            return nil
        }
    }

    /// The same of a file that may also be a single note, as 'annals audit checkpoint' prints one.
    ///
    /// It may come from anywhere, and all of it is read at once: so there is a limit, of decades of a checkpoint every five minutes.
    func all() throws(ArchiveFailure) -> [SignedNote] {
        var found = stat()
        guard stat(path, &found) != 0 || found.st_size <= Self.bytesMax else {
            throw .folder(path: path, reason: "has \(found.st_size) bytes, which is too much for a file of checkpoints; name another one")
        }
        let notes = try notes()
        guard notes.isEmpty else { return notes }
        let bytes = try bytes()
        if bytes.isEmpty { return [] }
        do { return [try SignedNote(parsing: bytes)] } catch {
            throw .folder(path: path, reason: "holds what is no checkpoint (\(error.explanation))")
        }
    }

    private static func whole(in bytes: [UInt8]) -> [ArraySlice<UInt8>] {
        var found: [ArraySlice<UInt8>] = []
        var rest = bytes[...]
        while let note = firstWhole(in: rest) {
            found.append(note)
            rest = bytes[(note.endIndex + 1)...]
        }
        return found
    }

    /// Each is a text and, behind an empty line, who signed it; and it is there whole when an empty line is behind that.
    private static func firstWhole(in bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        var block = bytes.startIndex
        for place in bytes.indices.dropLast() where place >= block && bytes[place] == lineEnd && bytes[place + 1] == lineEnd {
            if bytes[block...place].starts(with: signatureMark) { return bytes[...place] }
            block = place + 2
        }
        return nil
    }

    static let bytesMax = 1 << 30
    private static let lineEnd = UInt8(ascii: "\n")
    private static let signatureMark = Array("— ".utf8)

    private func bytes() throws(ArchiveFailure) -> [UInt8] {
        let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        if file < 0, errno == ENOENT { return [] }
        guard file >= 0 else { throw failure("read") }
        defer { close(file) }
        // Anything may lie under a name: a pipe may never say anything, and a device never end.
        let status = try status(of: file)
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw .folder(path: path, reason: "is no regular file; name a file of checkpoints")
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(min(Int(status.st_size), Self.bytesMax))
        var slice = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = slice.withUnsafeMutableBytes { Glibc.read(file, $0.baseAddress, $0.count) }
            if count == 0 { return bytes }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw failure("read") }
            bytes += slice[..<count]
        }
    }

    private func status(of file: CInt) throws(ArchiveFailure) -> stat {
        var found = stat()
        guard fstat(file, &found) == 0 else { throw failure("read") }
        return found
    }

    var isThere: Bool { access(path, F_OK) == 0 }

    /// Whether a checkpoint of a log may be written behind what is there. Writes nothing.
    func check(for origin: NoteLine) throws(ArchiveFailure) { _ = try ending(for: origin) }

    /// Adds a checkpoint, durably.
    func append(_ note: SignedNote, of origin: NoteLine) throws(ArchiveFailure) {
        let isNew = !isThere
        let ending = try ending(for: origin)
        let file = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0o644)
        guard file >= 0 else { throw failure("opened") }
        defer { close(file) }
        var bytes = note.bytes + [Self.lineEnd]
        switch ending {
        case .whole: break
        case .unclosed: bytes.insert(Self.lineEnd, at: 0)
        case .torn(let whole): guard ftruncate(file, off_t(whole)) == 0 else { throw failure("cut") }
        }
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes { Glibc.write(file, $0.baseAddress! + done, bytes.count - done) }
            guard count > 0 || (count < 0 && errno == EINTR) else { throw failure("written") }
            done += max(count, 0)
        }
        guard fsync(file) == 0 else { throw failure("synced") }
        if isNew { try DurableFile.syncFolder(of: path) }
    }

    private enum Ending {
        case whole
        /// A note whose empty line is missing: a single one, as 'annals audit checkpoint' prints it.
        case unclosed
        /// With the length of what is whole.
        case torn(whole: Int)
    }

    private func ending(for origin: NoteLine) throws(ArchiveFailure) -> Ending {
        let bytes = try bytes()
        let last = Self.whole(in: bytes).last
        let whole = last.map { $0.endIndex + 1 } ?? 0
        let rest = bytes[whole...]
        if last.map({ Self.isCheckpoint($0, of: origin) }) ?? true {
            if rest.isEmpty { return .whole }
            if Self.isCheckpoint(rest, of: origin) { return .unclosed }
            if TornCheckpoint.isOne(rest, of: origin) { return .torn(whole: whole) }
        }
        throw .folder(
            path: path,
            reason: "does not end with a checkpoint of this log, so it is left as it is and nothing is signed; move the file away, or name "
                + "another one as checkpoint-file if it is that")
    }

    private static func isCheckpoint(_ bytes: ArraySlice<UInt8>, of origin: NoteLine) -> Bool {
        do { return try Checkpoint(parsing: SignedNote(parsing: Array(bytes)).text).origin == origin } catch { return false }
    }

    private func failure(_ what: String) -> ArchiveFailure {
        .folder(path: path, reason: "cannot be \(what) (\(String(cString: strerror(errno)))); check the disk and whose file it is")
    }
}

import Glibc
import Merkle

/// Signed checkpoints one after the other, an empty line behind each: a text that people can read and outsiders can keep.
///
/// Only ever appended to. What a crash left half written was given to nobody: it is passed over, and cut off before the next one. Of
/// anything else not a byte is touched: whoever configures this file may have named another one.
struct CheckpointFile: Sendable {
    let path: String

    /// All of them, in the order in which they stand there; none where there is no such file. What is behind them and none is passed over.
    func notes() throws(ArchiveFailure) -> [SignedNote] { try parsed(CheckpointText(bytes()).notes) }

    /// The last one of the largest size.
    func newest() throws(ArchiveFailure) -> SignedNote? { try largest().last }

    /// Those of the largest size, wherever they stand: a file that somebody keeps may have been put together by hand. More than one behind
    /// a crash, or where two signed in one file.
    func largest() throws(ArchiveFailure) -> [SignedNote] {
        let notes = CheckpointText(try bytes()).notes
        let sizes = notes.map { CheckpointText.size(of: $0) ?? 0 }
        let most = sizes.max()
        return try parsed(notes.indices.filter { sizes[$0] == most }.map { notes[$0] })
    }

    private func parsed(_ notes: [[UInt8]]) throws(ArchiveFailure) -> [SignedNote] {
        do { return try notes.map { try SignedNote(parsing: $0) } } catch {
            let why = (error as? NoteFault)?.explanation ?? "\(error)"
            throw .folder(path: path, reason: "holds what is no checkpoint (\(why)); restore it from a backup")
        }
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
        guard let start, let note = CheckpointText.first(in: bytes[start...]) else { return nil }
        return try parsed([note]).first
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

    /// What lies behind the checkpoints of a file.
    enum Remainder {
        case nothing
        /// The beginning of one more, as a crash leaves it.
        case torn
        case other
    }

    /// All of a file that may come from anywhere.
    ///
    /// All of it is read at once: so there is a limit, of decades of a checkpoint every five minutes.
    func all(of origin: NoteLine) throws(ArchiveFailure) -> (notes: [SignedNote], behind: Remainder) {
        var found = stat()
        guard stat(path, &found) != 0 || found.st_size <= Self.bytesMax else {
            throw .folder(path: path, reason: "has \(found.st_size) bytes, which is too much for a file of checkpoints; name another one")
        }
        let text = CheckpointText(try bytes())
        let notes = try parsed(text.notes)
        if text.rest.isEmpty { return (notes, .nothing) }
        return (notes, TornCheckpoint.isOne(text.rest, of: origin) ? .torn : .other)
    }

    static let bytesMax = 1 << 30
    private static let lineEnd = CheckpointText.lineEnd

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
        case .unclosed(let closing): bytes = closing + bytes
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
        /// A note whose empty line is missing, and perhaps the end of its last line: a single one, as 'annals audit checkpoint' prints it.
        case unclosed(closing: [UInt8])
        /// With the length of what is whole.
        case torn(whole: Int)
    }

    private func ending(for origin: NoteLine) throws(ArchiveFailure) -> Ending {
        let text = CheckpointText(try bytes())
        if text.notes.last.map({ Self.isCheckpoint($0, of: origin) }) ?? true {
            if text.rest.isEmpty { return text.closing.isEmpty ? .whole : .unclosed(closing: text.closing) }
            if TornCheckpoint.isOne(text.rest, of: origin) { return .torn(whole: text.rest.startIndex) }
        }
        throw .folder(
            path: path,
            reason: "does not end with a checkpoint of this log, so it is left as it is and nothing is signed; move the file away, or name "
                + "another one as checkpoint-file if it is that")
    }

    private static func isCheckpoint(_ bytes: [UInt8], of origin: NoteLine) -> Bool {
        do { return try Checkpoint(parsing: SignedNote(parsing: bytes).text).origin == origin } catch { return false }
    }

    private func failure(_ what: String) -> ArchiveFailure {
        .folder(path: path, reason: "cannot be \(what) (\(String(cString: strerror(errno)))); check the disk and whose file it is")
    }
}

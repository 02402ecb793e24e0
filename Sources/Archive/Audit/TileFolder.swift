import FoundationEssentials
import Glibc
import Merkle

/// The folder that a log's tiles are published in. Each file is there whole or not at all.
struct TileFolder {
    let path: String

    /// What lies at a place, beside what has to.
    enum Holding {
        case nothing
        case same
        case other
    }

    var checkpointPath: String { path + "/checkpoint" }

    /// What was published here so far; nil if nothing was.
    func checkpoint(of origin: NoteLine) throws(ArchiveFailure) -> Checkpoint? {
        let (notes, behind) = try CheckpointFile(path: checkpointPath).all(of: origin)
        guard behind == .nothing else {
            throw .folder(path: checkpointPath, reason: "holds what is no checkpoint; name a folder of this log's tiles")
        }
        guard let note = notes.last else { return nil }
        do { return try Checkpoint(parsing: note.text) } catch {
            throw .folder(path: checkpointPath, reason: "is no checkpoint (\(error.explanation)); name a folder of this log's tiles")
        }
    }

    func write(_ checkpoint: SignedNote) throws(ArchiveFailure) { try write(checkpoint.bytes, to: checkpointPath) }

    func write(_ bytes: [UInt8], at place: TilePlace) throws(ArchiveFailure) { try write(bytes, to: file(at: place)) }

    /// Bytes are compared, and not only their number: what is published may have been overwritten.
    func holding(at place: TilePlace, of bytes: [UInt8]) throws(ArchiveFailure) -> Holding {
        let path = file(at: place)
        var status = stat()
        guard stat(path, &status) == 0 else {
            if errno == ENOENT || errno == ENOTDIR { return .nothing }
            throw .folder(path: path, reason: "cannot be read (\(String(cString: strerror(errno)))); check whose it is")
        }
        guard status.st_mode & S_IFMT == S_IFREG, status.st_size == bytes.count else { return .other }
        do { return try Data(contentsOf: URL(filePath: path)).elementsEqual(bytes) ? .same : .other } catch {
            throw .folder(path: path, reason: "cannot be read (\(error.inWords)); check whose it is")
        }
    }

    func file(at place: TilePlace) -> String { "\(path)/\(place.path)" }

    private func write(_ bytes: [UInt8], to path: String) throws(ArchiveFailure) {
        do {
            let folder = String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            try Data(bytes).write(to: URL(filePath: path), options: .atomic)
        } catch {
            throw .folder(path: path, reason: "cannot be written (\(error.inWords)); check the disk and whose folder it is")
        }
    }
}

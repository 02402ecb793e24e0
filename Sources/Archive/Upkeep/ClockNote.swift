import Events
import FoundationEssentials
import Glibc

/// The file in which the last reading of the clocks is kept from one start to the next.
enum ClockNote {
    static func read(_ core: Core) throws(ArchiveFailure) -> ClockGuard {
        let path = core.folder.path + "/clock"
        let tolerance = core.options.purge.clockToleranceMilliseconds
        guard access(path, F_OK) == 0 else { return ClockGuard(toleranceMilliseconds: tolerance) }
        do {
            let text = String(decoding: try Data(contentsOf: URL(filePath: path)), as: UTF8.self)
            return ClockGuard(text: text, toleranceMilliseconds: tolerance)
        } catch {
            throw .folder(path: path, reason: "cannot be read (\(error)); check whose it is")
        }
    }

    static func write(_ note: ClockGuard, _ core: Core) throws(ArchiveFailure) {
        try DurableFile.write(Array(note.text.utf8), to: core.folder.path + "/clock")
    }
}

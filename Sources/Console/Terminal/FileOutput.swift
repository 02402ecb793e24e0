import FoundationEssentials
import Glibc

/// A file that an answer is written to.
enum FileOutput {
    /// Makes the file, or replaces what is in it.
    static func write(_ bytes: [UInt8], to path: String) throws(Trouble) {
        guard let file = fopen(path, "we") else { throw trouble(path) }
        let isWritten = fwrite(bytes, 1, bytes.count, file) == bytes.count
        let failure = isWritten ? nil : trouble(path)
        // What was written may fail only now, when it leaves the buffer.
        guard fclose(file) == 0, failure == nil else { throw failure ?? trouble(path) }
    }

    static func removeFolder(_ path: String) throws(Trouble) {
        do { try FileManager.default.removeItem(atPath: path) } catch {
            throw Trouble(.input, "cannot remove \(Harmless.line(Harmless.text(path))): \(error)")
        }
    }

    private static func trouble(_ path: String) -> Trouble {
        Trouble(.input, "cannot write \(Harmless.line(Harmless.text(path))): \(String(cString: strerror(errno)).lowercased())")
    }
}

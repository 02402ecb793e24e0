import CLMDB

/// A snapshot that some process has open, as LMDB's lock file knows it.
package struct ReaderSlot: Hashable, Sendable {
    package let process: Int32
    /// The transaction that it reads: no page that was given up since can be used again.
    package let transaction: Int

    /// A line of `mdb_reader_list`: process, thread and transaction. Nil for the heading, and for a slot that nobody reads through.
    init?(line: Substring) {
        let words = line.split(separator: " ")
        guard words.count == 3, let process = Int32(words[0]), let transaction = Int(words[2]) else { return nil }
        self.process = process
        self.transaction = transaction
    }
}

extension Environment {
    /// Which other processes read the file at this moment. Those that are dead count too, until `checkReaders`.
    package func foreignReaders() throws(LMDBError) -> [ReaderSlot] {
        var text = ""
        let code = unsafe withUnsafeMutablePointer(to: &text) { text in
            unsafe mdb_reader_list(
                handle.raw,
                { line, text in
                    guard let line = unsafe line, let text = unsafe text else { return 0 }
                    unsafe text.assumingMemoryBound(to: String.self).pointee += String(cString: line)
                    return 0
                }, text)
        }
        // Its result counts what was printed; less than zero is an error.
        if code < 0 { try LMDBError.check(code, .inspect, path: path) }
        return text.split(separator: "\n").compactMap { ReaderSlot(line: $0) }.filter { $0.process != process }
    }
}

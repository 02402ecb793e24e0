/// Whose key it is: a line without spaces of any kind and without plus (https://c2sp.org/signed-note). Best a URL without its scheme.
package struct NoteKeyName: Hashable, Sendable {
    package let line: NoteLine

    package init?(_ bytes: some Collection<UInt8>) {
        guard let line = NoteLine(bytes) else { return nil }
        self.init(line)
    }

    package init?(_ text: String) { self.init(text.utf8) }

    /// A log's key has the name of the log: its checkpoints' first line.
    package init?(_ line: NoteLine) {
        guard line.text.unicodeScalars.allSatisfy({ !$0.properties.isWhitespace && $0 != "+" }) else { return nil }
        self.line = line
    }

    package var text: String { line.text }
}

extension NoteKeyName: CustomStringConvertible {
    package var description: String { text }
}

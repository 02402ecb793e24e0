/// A line of a note, without its end: at least one byte of UTF-8 without control characters below U+0020.
///
/// Bytes and not `String`, because what is signed are bytes, and Swift's strings call "é" and "e + ´" equal.
package struct NoteLine: Hashable, Sendable {
    /// What ends every line.
    static let end = UInt8(ascii: "\n")

    package let utf8: [UInt8]

    package init?(_ bytes: some Collection<UInt8>) {
        guard !bytes.isEmpty, bytes.allSatisfy({ $0 >= 0x20 }), String(validating: bytes, as: UTF8.self) != nil else { return nil }
        utf8 = Array(bytes)
    }

    package init?(_ text: String) { self.init(text.utf8) }

    package var text: String { String(decoding: utf8, as: UTF8.self) }
}

extension NoteLine: CustomStringConvertible {
    package var description: String { text }
}

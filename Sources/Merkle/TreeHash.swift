import Crypto

/// A hash of the tree: the 32 bytes of a SHA-256, held inline.
///
/// RFC 6962, section 2.1: a leaf is hashed behind a byte 0 and two subtrees behind a byte 1, so that no record of a log can be taken
/// for a part of its tree.
package struct TreeHash: Hashable, Sendable, BitwiseCopyable {
    package static let byteCount = 32

    /// The 32 bytes, eight to a word, as they lie in memory.
    private let words: Words

    private struct Words: Hashable, Sendable, BitwiseCopyable {
        let first, second, third, fourth: UInt64
    }

    /// Of a tree without leaves: the SHA-256 of nothing.
    package static let empty = TreeHash(SHA256().finalize())

    /// SHA-256(00 ‖ record).
    package init(leaf record: UnsafeRawBufferPointer) {
        var hash = SHA256()
        Swift.withUnsafeBytes(of: UInt8(0)) { hash.update(bufferPointer: $0) }
        hash.update(bufferPointer: record)
        self.init(hash.finalize())
    }

    /// SHA-256(01 ‖ left ‖ right).
    package init(left: TreeHash, right: TreeHash) {
        var hash = SHA256()
        Swift.withUnsafeBytes(of: UInt8(1)) { hash.update(bufferPointer: $0) }
        left.withUnsafeBytes { hash.update(bufferPointer: $0) }
        right.withUnsafeBytes { hash.update(bufferPointer: $0) }
        self.init(hash.finalize())
    }

    private init(_ digest: SHA256.Digest) {
        words = digest.withUnsafeBytes { $0.loadUnaligned(as: Words.self) }
    }

    /// What was written by `withUnsafeBytes`; nil unless there are 32 bytes.
    package init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count == Self.byteCount else { return nil }
        words = bytes.loadUnaligned(as: Words.self)
    }

    package func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        Swift.withUnsafeBytes(of: words, body)
    }
}

/// Its texts.
extension TreeHash: CustomStringConvertible {
    /// 64 small hexadecimal digits.
    package var hex: String { withUnsafeBytes { Hex.text(of: $0) } }

    package init?(hex text: String) {
        guard let hash = Hex.bytes(of: text)?.withUnsafeBytes(TreeHash.init) else { return nil }
        self = hash
    }

    /// 44 signs, the last one `=`.
    package var base64: String { withUnsafeBytes { Base64.text(of: $0) } }

    package init?(base64 text: some Collection<UInt8>) {
        guard let hash = Base64.bytes(of: text)?.withUnsafeBytes(TreeHash.init) else { return nil }
        self = hash
    }

    package init?(base64 text: String) { self.init(base64: text.utf8) }

    package var description: String { hex }
}

package import Events

/// Keys and values made of whole numbers: 64 bits each, big-endian, so that their bytes sort as the numbers do.
package typealias Words<let count: Int> = InlineArray<count, UInt64>

extension Position {
    /// The position as a key.
    package var key: Words<1> { [rawValue.bigEndian] }
}

extension RawSpan {
    /// The word at an index, or nil beyond the end.
    package func word(_ index: Int) -> UInt64? {
        guard index >= 0, (index + 1) * 8 <= byteCount else { return nil }
        return UInt64(bigEndian: unsafeLoadUnaligned(fromByteOffset: index * 8, as: UInt64.self))
    }

    /// A copy of the bytes.
    package var copied: [UInt8] { withUnsafeBytes { [UInt8]($0) } }
}

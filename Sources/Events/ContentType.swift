/// A body's media type, such as `image/png`: 1 to 128 bytes of printable ASCII. Annals stores it and never acts on it.
package struct ContentType: Hashable, Sendable {
    package let text: String

    /// What a body is when nobody says otherwise. Takes no room in the trail.
    package static let plainText = ContentType(unchecked: "text/plain; charset=utf-8")
    package static let bytesMax = 128

    private init(unchecked text: String) { self.text = text }

    package init?(checking bytes: UnsafeRawBufferPointer) {
        guard Self.isValid(bytes) else { return nil }
        text = String(decoding: bytes, as: UTF8.self)
    }

    package static func isValid(_ bytes: UnsafeRawBufferPointer) -> Bool {
        !bytes.isEmpty && bytes.count <= bytesMax && bytes.allSatisfy { $0 >= 0x20 && $0 < 0x7F }
            && bytes.contains(UInt8(ascii: "/"))
    }
}

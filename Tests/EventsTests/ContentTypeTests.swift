import Events
import Testing

@Suite("ContentType")
struct ContentTypeTests {
    @Test(
        "printable ASCII with a slash is a content type",
        arguments: [
            "image/png", "text/plain; charset=utf-8", "application/vnd.acme+json;v=\"2 b\"", "/", "a/" + String(repeating: "b", count: 126),
        ])
    func accepts(_ text: String) {
        #expect(Self.check(text)?.text == text)
    }

    @Test(
        "anything else is not: empty, too long, without a slash, not ASCII, with controls",
        arguments: [
            "", "png", "a/" + String(repeating: "b", count: 127), "bild/größe", "text/plain\n", "text/\tplain", "text/plain\u{7F}", "a/\0",
        ])
    func refuses(_ text: String) {
        #expect(Self.check(text) == nil)
    }

    @Test("plain text spelled out is plain text")
    func plainText() {
        #expect(Self.check("text/plain; charset=utf-8") == .plainText)
        #expect(Self.check("text/plain") != .plainText)
    }

    private static func check(_ text: String) -> ContentType? {
        Array(text.utf8).withUnsafeBytes { ContentType(checking: $0) }
    }
}

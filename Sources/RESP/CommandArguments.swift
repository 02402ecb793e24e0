/// The words of one command, lent for the length of a closure. Nothing is copied: every word is a piece of
/// the bytes that were parsed (or of the parser's own memory, for an inline command).
///
/// It cannot be copied, so it cannot outlive the closure that it was lent to; the pieces it gives out must not either.
@usableFromInline
package struct CommandArguments: ~Copyable {
    private let base: UnsafeRawBufferPointer
    private let ranges: UnsafeBufferPointer<Range<Int>>

    @usableFromInline
    package init(base: UnsafeRawBufferPointer, ranges: UnsafeBufferPointer<Range<Int>>) {
        self.base = base
        self.ranges = ranges
    }

    /// How many words there are, the command's own name among them: at least 1.
    package var count: Int { ranges.count }

    /// The bytes of a word.
    package subscript(index: Int) -> UnsafeRawBufferPointer {
        precondition(index >= 0 && index < ranges.count, "a word was asked for that is not there, because nobody looked at the count")
        return UnsafeRawBufferPointer(rebasing: base[ranges[index]])
    }

    /// Whether a word is `option`, whatever the case of its ASCII letters. `option` itself is written in capitals.
    package func matches(_ index: Int, _ option: StaticString) -> Bool {
        let word = self[index]
        guard word.count == option.utf8CodeUnitCount else { return false }
        for place in 0..<word.count {
            let byte = word[place]
            let capital = byte >= 0x61 && byte <= 0x7A ? byte & 0xDF : byte
            if capital != option.utf8Start[place] { return false }
        }
        return true
    }
}

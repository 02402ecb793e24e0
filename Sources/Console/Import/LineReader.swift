import Glibc

/// The lines of a source, one at a time in flat memory.
package struct LineReader: ~Copyable {
    /// A line without its end.
    package struct Line: Equatable, Sendable {
        package var number: Int
        package var bytes: [UInt8]
        /// Whether it was longer than `lineBytesMax`; then `bytes` are only its beginning.
        package var isCut = false

        package init(number: Int, bytes: [UInt8], isCut: Bool = false) {
            self.number = number
            self.bytes = bytes
            self.isCut = isCut
        }
    }

    /// Longer than any message: 64 KiB of body, each byte written as `\u0000`, is 384 KiB. What is longer is no line of ours.
    package static let lineBytesMax = 8 << 20
    /// What is kept of such a line.
    package static let cutBytes = 4 << 10

    private var source: PlainBytes
    /// What was read and not yet handed out, from `start`.
    private var text: [UInt8] = []
    private var start = 0
    /// Up to where `text` was searched for a line's end.
    private var searched = 0
    private var number = 0

    /// `isStopped` is asked before each read; once it says yes, the lines end.
    package init(_ source: consuming ByteSource, isStopped: @escaping @Sendable () -> Bool = { false }) throws(Trouble) {
        self.source = try PlainBytes(source, isStopped: isStopped)
    }

    /// How much of the source was read (of gzip: packed bytes), and how much there is.
    package var progress: (consumed: Int64, size: Int64?) { source.progress }

    /// Whether `next` would have to wait for somebody to write.
    package mutating func wouldWait() -> Bool {
        lineEnd() == nil && source.wouldWait
    }

    /// The next line that is not blank, or nil at the end.
    package mutating func next() throws(Trouble) -> Line? {
        while let line = try nextOfAny() {
            if !line.bytes.allSatisfy(Self.isBlank) { return line }
        }
        return nil
    }

    private mutating func nextOfAny() throws(Trouble) -> Line? {
        var beginning: [UInt8]?
        while true {
            if let end = lineEnd() { return take(through: end, beginning: beginning) }
            if text.count - start > Self.lineBytesMax {
                beginning = beginning ?? [UInt8](text[start..<start + Self.cutBytes])
                drop(through: text.count - 1)
            }
            if try fill() { continue }
            // The last line may lack its end; but one that somebody interrupted is not the last.
            guard !source.isStopped(), beginning != nil || start < text.count else { return nil }
            return take(through: text.count, beginning: beginning)
        }
    }

    /// The line that ends before `end`, or only its beginning if that was all that was kept.
    private mutating func take(through end: Int, beginning: [UInt8]?) -> Line {
        number += 1
        var bytes = beginning ?? [UInt8](text[start..<end])
        if number == 1, bytes.starts(with: Self.byteOrderMark) { bytes.removeFirst(Self.byteOrderMark.count) }
        drop(through: end)
        return Line(number: number, bytes: bytes, isCut: beginning != nil)
    }

    private mutating func lineEnd() -> Int? {
        let found = text.withUnsafeBytes { bytes -> Int? in
            guard searched < bytes.count, let base = bytes.baseAddress else { return nil }
            return memchr(base + searched, Int32(UInt8(ascii: "\n")), bytes.count - searched).map { UnsafeRawPointer($0) - base }
        }
        searched = found ?? text.count
        return found
    }

    private mutating func drop(through end: Int) {
        start = end + 1
        searched = start
        guard start >= text.count else { return }
        text.removeAll(keepingCapacity: true)
        start = 0
        searched = 0
    }

    private mutating func fill() throws(Trouble) -> Bool {
        if start > 0 {
            text.removeSubrange(..<start)
            searched -= start
            start = 0
        }
        return try source.append(to: &text)
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0D }

    // Some Windows programs begin UTF-8 files with it; it is no part of the first line.
    private static let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]
}

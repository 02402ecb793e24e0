/// A source's bytes as their writer meant them: gzip, told by its first two bytes, is unpacked; anything else passes.
package struct PlainBytes: ~Copyable {
    private var source: ByteSource
    private var gunzip: Gunzip?
    /// Whether the bytes end only because somebody asked for it.
    package let isStopped: @Sendable () -> Bool
    /// What was read and not yet handed out (gzip: not yet unpacked), from `start`.
    private var waiting: [UInt8] = []
    private var start = 0
    private var isAtEnd = false

    private static let chunkBytes = 256 << 10

    /// `isStopped` is asked before each read; once it says yes, the bytes end.
    package init(_ source: consuming ByteSource, isStopped: @escaping @Sendable () -> Bool) throws(Trouble) {
        self.source = source
        self.isStopped = isStopped
        // A pipe may give its first bytes one by one.
        while waiting.count < Gunzip.magic.count, try read() {}
        if waiting.starts(with: Gunzip.magic) { gunzip = Gunzip() }
    }

    /// How much of the source was read (of gzip: packed bytes), and how much there is.
    package var progress: (consumed: Int64, size: Int64?) { (source.consumed, source.size) }

    /// Whether `append` would have to wait for somebody to write.
    package var wouldWait: Bool { start >= waiting.count && !isAtEnd && source.wouldWait }

    /// Appends some bytes, at most a quarter of a MiB; false at the end.
    package mutating func append(to text: inout [UInt8]) throws(Trouble) -> Bool {
        while true {
            let before = text.count
            if gunzip == nil { takeAll(into: &text) } else { try unpack(into: &text) }
            if text.count > before { return true }
            waiting.removeAll(keepingCapacity: true)
            start = 0
            if try read() { continue }
            if !isStopped() { try gunzip?.checkEnd() }
            return false
        }
    }

    private mutating func takeAll(into text: inout [UInt8]) {
        text += waiting
        waiting.removeAll(keepingCapacity: true)
    }

    private mutating func unpack(into text: inout [UInt8]) throws(Trouble) {
        let packed = waiting[start...]
        var taken = 0
        text += try [UInt8](unsafeUninitializedCapacity: Self.chunkBytes) { (room, count) throws(Trouble) in
            let step = try packed.span.bytes.withUnsafeBytes { bytes throws(Trouble) in
                try gunzip?.inflate(bytes, into: UnsafeMutableRawBufferPointer(room))
            }
            taken = step?.taken ?? 0
            count = step?.given ?? 0
        }
        start += taken
    }

    /// Appends to `waiting`; false at the end.
    private mutating func read() throws(Trouble) -> Bool {
        if isAtEnd { return false }
        let chunk = try [UInt8](unsafeUninitializedCapacity: Self.chunkBytes) { (room, count) throws(Trouble) in
            count = try source.read(into: UnsafeMutableRawBufferPointer(room), isStopped: isStopped)
        }
        isAtEnd = chunk.isEmpty
        waiting += chunk
        return !chunk.isEmpty
    }
}

import Archive
import RESP

@testable import Reception

/// Lends the words of a command, as a session does.
func lend<Result>(_ words: [String], to body: (borrowing CommandArguments) throws(Refusal) -> Result) throws(Refusal) -> Result {
    var bytes: [UInt8] = []
    var ranges: [Range<Int>] = []
    for word in words {
        ranges.append(bytes.count..<bytes.count + word.utf8.count)
        bytes += word.utf8
    }
    // Separate steps, because the closures of the standard library throw anything or nothing.
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: max(1, bytes.count), alignment: 1)
    defer { memory.deallocate() }
    memory.copyBytes(from: bytes)
    return try ranges.withUnsafeBufferPointer { ranges throws(Refusal) in
        try body(CommandArguments(base: UnsafeRawBufferPointer(memory), ranges: ranges))
    }
}

func withWords<Result>(
    _ words: String..., body: (borrowing CommandArguments) throws(Refusal) -> Result
) throws(Refusal) -> Result {
    try lend(words, to: body)
}

/// What a client with these words is told; empty when nothing is wrong with them.
func refusal(of words: [String], by body: (borrowing CommandArguments) throws(Refusal) -> Void) -> String {
    do {
        try lend(words, to: body)
        return ""
    } catch {
        return "\(error)"
    }
}

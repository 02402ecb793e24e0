import CZlib

/// Gzip taken back, piece by piece, in flat memory: any number of members one after another (RFC 1952, section 2.2).
package struct Gunzip: ~Copyable {
    // zlib keeps a pointer back to the stream inside its state, so the stream must never move.
    private let stream: UnsafeMutablePointer<z_stream>
    private var place = Place.betweenMembers

    private enum Place { case betweenMembers, inMember }

    /// The first two bytes of every gzip member.
    package static let magic: [UInt8] = [0x1F, 0x8B]

    package init() {
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        let windowBits: Int32 = 15 + 16  // The largest window; 16 asks for gzip's header and check sum.
        let code = inflateInit2_(stream, windowBits, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        precondition(code == Z_OK, "because zlib starts unless memory is out or its version is another (\(code))")
    }

    deinit {
        inflateEnd(stream)
        stream.deallocate()
    }

    /// Unpacks from the head of `input` to the head of `output`.
    ///
    /// - Returns: how many bytes it took and gave. If it gave as many as there was room for, there may be more.
    package mutating func inflate(
        _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
    ) throws(Trouble) -> (taken: Int, given: Int) {
        var taken = 0
        var given = 0
        while given < output.count {
            if place == .betweenMembers {
                // Tapes and some tools pad with zeros.
                while taken < input.count, input[taken] == 0 { taken += 1 }
                if taken == input.count { break }
                inflateReset(stream)
                place = .inMember
            }
            let step = try advance(
                UnsafeRawBufferPointer(rebasing: input[taken...]), into: UnsafeMutableRawBufferPointer(rebasing: output[given...]))
            taken += step.taken
            given += step.given
            if step.taken == 0, step.given == 0 { break }
        }
        return (taken, given)
    }

    /// At the end of the input: whether it ended where a member ends.
    package func checkEnd() throws(Trouble) {
        guard place == .betweenMembers else {
            throw Trouble(.input, "the gzip file ends in the middle; get a complete copy")
        }
    }

    private mutating func advance(
        _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
    ) throws(Trouble) -> (taken: Int, given: Int) {
        // zlib does not write to its input; the pointer is mutable by C's old custom only.
        stream.pointee.next_in = UnsafeMutablePointer(mutating: input.baseAddress?.assumingMemoryBound(to: Bytef.self))
        stream.pointee.avail_in = uInt(input.count)
        stream.pointee.next_out = output.baseAddress?.assumingMemoryBound(to: Bytef.self)
        stream.pointee.avail_out = uInt(output.count)
        let code = CZlib.inflate(stream, Z_NO_FLUSH)
        switch code {
        case Z_STREAM_END: place = .betweenMembers
        case Z_OK, Z_BUF_ERROR: break  // Z_BUF_ERROR: no step is possible without more input or room; not an error.
        default:
            let detail = stream.pointee.msg.map { String(cString: $0) } ?? "code \(code)"
            throw Trouble(.input, "the gzip file is damaged (\(detail)); get a good copy")
        }
        return (input.count - Int(stream.pointee.avail_in), output.count - Int(stream.pointee.avail_out))
    }
}

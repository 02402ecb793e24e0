import CZlib
import Foundation
import TestSupport

/// A file for one test, gone with its folder.
struct ScratchFile {
    let path: String
    private let folder: TemporaryFolder

    init(_ bytes: [UInt8] = []) throws {
        folder = try TemporaryFolder()
        path = folder.file("file")
        try Data(bytes).write(to: URL(filePath: path))
    }

    var text: String {
        get throws { String(decoding: try Data(contentsOf: URL(filePath: path)), as: UTF8.self) }
    }
}

/// One gzip member of the bytes.
func gzip(_ bytes: [UInt8]) -> [UInt8] {
    var stream = z_stream()
    let windowBits: Int32 = 15 + 16
    guard deflateInit2_(&stream, 6, Z_DEFLATED, windowBits, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK
    else { preconditionFailure("because zlib starts") }
    defer { deflateEnd(&stream) }
    var input = bytes
    let room = Int(deflateBound(&stream, uLong(bytes.count))) + 64
    return [UInt8](unsafeUninitializedCapacity: room) { output, count in
        input.withUnsafeMutableBufferPointer { source in
            stream.next_in = source.baseAddress
            stream.avail_in = uInt(source.count)
            stream.next_out = output.baseAddress
            stream.avail_out = uInt(room)
            let code = deflate(&stream, Z_FINISH)
            precondition(code == Z_STREAM_END, "because there is room for all")
        }
        count = Int(stream.total_out)
    }
}

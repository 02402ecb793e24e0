import CZlib
import Glibc
import Testing

/// A file for one test, gone afterwards.
struct ScratchFile: ~Copyable {
    let path: String

    init(_ bytes: [UInt8] = []) {
        var template = Array("/tmp/annals-console-XXXXXX".utf8CString)
        let descriptor = mkstemp(&template)
        precondition(descriptor >= 0, "because tests need a place for files")
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            precondition(count > 0, "because a temporary file takes what a test writes")
            rest = rest.dropFirst(count)
        }
        close(descriptor)
    }

    deinit { unlink(path) }

    var text: String {
        guard let file = fopen(path, "r") else { return "" }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        let count = fread(&bytes, 1, bytes.count, file)
        return String(decoding: bytes.prefix(count), as: UTF8.self)
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

import Merkle

/// What a crash may leave of a checkpoint that was being written: its first bytes, but not all; or its length, and of its bytes only those that
/// lie in some of the disk's sectors.
///
/// Asked before these bytes are cut off, so it has to be sure: every line is what a note of this log has there, as far as it goes.
enum TornCheckpoint {
    /// - Parameter bytes: with indices that are their places in the file.
    static func isOne(_ bytes: ArraySlice<UInt8>, of origin: NoteLine) -> Bool { isBeginning(bytes, origin) || hasHoles(bytes, origin) }

    /// Disks write sectors whole or not at all, and where a file has grown and nothing was written, there are zeros.
    private static let sectorBytes = 512
    /// Hash and signature alone have more.
    private static let noteBytesMin = 100

    private static func hasHoles(_ bytes: ArraySlice<UInt8>, _ origin: NoteLine) -> Bool {
        guard bytes.count >= noteBytesMin, bytes.count <= 2 * origin.utf8.count + sectorBytes else { return false }
        var start = bytes.startIndex
        var holes = 0
        while start < bytes.endIndex {
            let end = min(bytes.endIndex, (start / sectorBytes + 1) * sectorBytes)
            let piece = bytes[start..<end]
            if piece.allSatisfy({ $0 == 0 }) {
                holes += 1
            } else if start == bytes.startIndex ? !isBeginning(piece, origin) : piece.contains(0) {
                return false
            }
            start = end
        }
        return holes > 0
    }

    private static func isBeginning(_ bytes: ArraySlice<UInt8>, _ origin: NoteLine) -> Bool {
        let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        guard let last = lines.last, lines.count <= 5 else { return false }
        let isWholeSoFar = lines.dropLast().enumerated().allSatisfy { isWhole($1, at: $0, origin) }
        return isWholeSoFar && isStart(last, at: lines.count - 1, origin)
    }

    private static func isWhole(_ line: ArraySlice<UInt8>, at index: Int, _ origin: NoteLine) -> Bool {
        switch index {
        case 0: line.elementsEqual(origin.utf8)
        case 1: (1...20).contains(line.count) && line.allSatisfy(isDigit)
        case 2: TreeHash(base64: line) != nil
        default: line.isEmpty
        }
    }

    private static func isStart(_ line: ArraySlice<UInt8>, at index: Int, _ origin: NoteLine) -> Bool {
        switch index {
        case 0: return origin.utf8.starts(with: line)
        case 1: return line.count <= 20 && line.allSatisfy(isDigit)
        case 2: return line.count <= hashCharacters && line.allSatisfy(isBase64)
        case 3: return line.isEmpty
        default:
            let mark = Array("— ".utf8) + origin.utf8 + [UInt8(ascii: " ")]
            return mark.starts(with: line.prefix(mark.count)) && line.dropFirst(mark.count).allSatisfy(isBase64)
        }
    }

    /// 32 bytes in base64.
    private static let hashCharacters = 44

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    private static func isBase64(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "+"), UInt8(ascii: "/"),
            UInt8(ascii: "="):
            true
        default: isDigit(byte)
        }
    }
}

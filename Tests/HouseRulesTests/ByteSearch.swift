import Glibc

extension [UInt8] {
    /// Where a text begins that is not the end of a longer word. A space in it stands for any number of them, or none.
    func occurrences(of text: String) -> [Int] {
        let pattern = Array(text.utf8)
        let start = Array(pattern.prefix { $0 != UInt8(ascii: " ") })
        return places(of: start).filter { index in
            !(start[0].isWordSign && isWord(at: index - 1)) && matches(pattern, at: index)
        }
    }

    /// Where bytes begin, of which none is 0, nor any here. By the C library, because loops are slow without optimization.
    private func places(of bytes: [UInt8]) -> [Int] {
        let (text, sought) = (map(CChar.init(bitPattern:)) + [0], bytes.map(CChar.init(bitPattern:)) + [0])
        return text.withUnsafeBufferPointer { text in
            var found: [Int] = []
            guard let start = text.baseAddress else { return found }
            var rest = start
            while let place = strstr(rest, sought) {
                found.append(UnsafePointer(place) - start)
                rest = UnsafePointer(place) + 1
            }
            return found
        }
    }

    private func matches(_ pattern: [UInt8], at start: Int) -> Bool {
        var index = start
        for sign in pattern {
            if sign == UInt8(ascii: " ") {
                index = skippingBlanks(from: index)
            } else {
                guard index < count, self[index] == sign else { return false }
                index += 1
            }
        }
        return true
    }

    func skippingBlanks(from start: Int) -> Int {
        var index = start
        while index < count, self[index] == UInt8(ascii: " ") || self[index] == UInt8(ascii: "\n") { index += 1 }
        return index
    }

    /// Whether a letter, digit or underscore is there.
    func isWord(at index: Int) -> Bool { indices.contains(index) && self[index].isWordSign }
}

extension UInt8 {
    var isWordSign: Bool {
        switch self {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
            UInt8(ascii: "_"), 0x80...:
            true
        default: false
        }
    }
}

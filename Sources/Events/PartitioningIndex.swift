extension RandomAccessCollection {
    /// Where the elements begin of which something is true; `endIndex` if it is true of none. It must be so of all behind one of which it is.
    ///
    /// A binary search, under the name that it has in swift-algorithms, which this floor does not import.
    package func partitioningIndex(where belongsBehind: (Element) -> Bool) -> Index {
        var (low, rest) = (startIndex, count)
        while rest > 0 {
            let half = rest / 2
            let middle = index(low, offsetBy: half)
            if belongsBehind(self[middle]) {
                rest = half
            } else {
                low = index(after: middle)
                rest -= half + 1
            }
        }
        return low
    }
}

/// One of several runs that are merged, by what it gives next.
protocol MergeInput {
    func precedes(_ other: Self) -> Bool
}

/// A heap: the input that gives the least comes first.
extension Array where Element: MergeInput {
    /// Sorted, they are a heap.
    init(heapOf inputs: [Element]) { self = inputs.sorted { $0.precedes($1) } }

    /// Puts the first one where it belongs, when it has gone on; away with it, if it is through.
    mutating func settleFirst(isThrough: Bool) {
        if isThrough {
            swapAt(0, count - 1)
            removeLast()
        }
        var place = 0
        while true {
            var least = place
            for child in [2 * place + 1, 2 * place + 2] where child < count {
                if self[child].precedes(self[least]) { least = child }
            }
            if least == place { return }
            swapAt(place, least)
            place = least
        }
    }
}

import Events

/// Which positions have a message id of a given fingerprint, among the newest messages: at least all that are not folded.
///
/// Open addressing over plain numbers: the appender asks it for every single message. Generations let old ones go
/// without deleting one by one. A fingerprint may stand for several ids, so a hit is a candidate, not an answer.
struct RecentIDs {
    private var generations: [Generation] = [Generation()]

    /// A generation is full at half of its slots.
    private static let generationMax = 1 << 16

    mutating func insert(_ fingerprint: UInt64, at position: Position) {
        if generations[generations.count - 1].count >= Self.generationMax { generations.append(Generation()) }
        generations[generations.count - 1].insert(fingerprint, position.rawValue)
    }

    /// Calls `body` with each candidate.
    func forEach(_ fingerprint: UInt64, _ body: (Position) -> Void) {
        for generation in generations { generation.forEach(fingerprint, body) }
    }

    /// Lets go of generations that are folded altogether.
    mutating func forget(through folded: Position) {
        guard generations.count > 1 else { return }
        let newest = generations.removeLast()
        generations.removeAll { $0.last <= folded.rawValue }
        generations.append(newest)
    }

    /// Takes back what was never committed.
    mutating func retract(from position: Position) {
        for index in generations.indices { generations[index].retract(from: position.rawValue) }
    }

    private struct Generation {
        private var slots: [Slot] = [Slot](repeating: Slot(), count: 1 << 12)
        private(set) var count = 0
        private(set) var last: UInt64 = 0

        private struct Slot {
            var fingerprint: UInt64 = 0
            var position: UInt64 = 0  // 0: free, because positions begin at 1
        }

        mutating func insert(_ fingerprint: UInt64, _ position: UInt64) {
            if count * 2 >= slots.count { grow() }
            place(Slot(fingerprint: fingerprint, position: position))
            count += 1
            last = max(last, position)
        }

        func forEach(_ fingerprint: UInt64, _ body: (Position) -> Void) {
            let mask = slots.count - 1
            var index = Int(truncatingIfNeeded: fingerprint) & mask
            while slots[index].position != 0 {
                if slots[index].fingerprint == fingerprint { body(Position(slots[index].position)) }
                index = (index + 1) & mask
            }
        }

        mutating func retract(from position: UInt64) {
            guard last >= position else { return }
            rebuild(slots.filter { $0.position != 0 && $0.position < position }, capacity: slots.count)
        }

        private mutating func grow() {
            rebuild(slots.filter { $0.position != 0 }, capacity: slots.count * 2)
        }

        private mutating func rebuild(_ kept: [Slot], capacity: Int) {
            slots = [Slot](repeating: Slot(), count: capacity)
            for slot in kept { place(slot) }
            count = kept.count
            last = kept.reduce(0) { max($0, $1.position) }
        }

        private mutating func place(_ slot: Slot) {
            let mask = slots.count - 1
            var index = Int(truncatingIfNeeded: slot.fingerprint) & mask
            while slots[index].position != 0 { index = (index + 1) & mask }
            slots[index] = slot
        }
    }
}

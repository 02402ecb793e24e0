import CSHA256

/// How many short messages are hashed side by side, in the lanes of vector registers.
package struct HashLanes: Hashable, Sendable {
    package let count: Int

    /// One after the other, by the library.
    package static let one = HashLanes(count: 1)

    /// What is fastest here. Instructions for SHA-256 are as fast as lanes, so where they are the library is asked.
    package static let best = HashLanes(count: max(1, Int(sha256_lanes())))

    /// All that the processor is able to do.
    package static let all = [1, 8, 16].filter { $0 <= max(1, Int(sha256_lanes_most())) }.map(HashLanes.init)

    /// With fewer messages than that most lanes would be idle.
    private static let messagesMin = 3

    func takes(_ messages: Int) -> Bool { count > 1 && messages >= Self.messagesMin }

    /// None of them longer than a lane takes.
    func hashes(of messages: [sha256_message]) -> [TreeHash] {
        precondition(count > 1, "messages are hashed side by side because somebody has asked whether there are lanes")
        return [TreeHash](unsafeUninitializedCapacity: messages.count) { hashes, filled in
            let bytes = UnsafeMutableRawBufferPointer(hashes).bindMemory(to: UInt8.self)
            sha256_many(UInt32(count), messages, messages.count, bytes.baseAddress)
            filled = messages.count
        }
    }
}

extension TreeHash {
    /// What a longer message costs beside its hash is nothing.
    fileprivate static let laneBytesMax = sha256_lane_bytes_max

    /// Of each two neighbours the hash above them.
    package static func parents(of hashes: [TreeHash], _ lanes: HashLanes = .best) -> [TreeHash] {
        precondition(hashes.count.isMultiple(of: 2), "every hash has a neighbour because they come in pairs")
        let count = hashes.count / 2
        guard lanes.takes(count) else { return (0..<count).map { TreeHash(left: hashes[2 * $0], right: hashes[2 * $0 + 1]) } }
        return hashes.withUnsafeBytes { bytes in
            lanes.hashes(
                of: (0..<count).map { index in
                    sha256_message(bytes: bytes.baseAddress.map { $0 + index * 2 * byteCount }, count: 2 * byteCount, prefix: 1)
                })
        }
    }
}

/// Records whose leaf hashes are wanted, gathered to be hashed side by side.
package struct LeafBatch: Sendable {
    private let lanes: HashLanes
    private var bytes: [UInt8] = []
    /// Where each record ends.
    private var ends: [Int] = []

    /// So many keep all lanes busy up to the last ones, and their bytes stay in the processor's cache.
    package static let usual = 1 << 9

    package init(_ lanes: HashLanes = .best) { self.lanes = lanes }

    package var count: Int { ends.count }

    package mutating func add(_ record: UnsafeRawBufferPointer) {
        bytes.append(contentsOf: record)
        ends.append(bytes.count)
    }

    /// Of each record, in order; and nothing is gathered any more.
    package mutating func takeHashes() -> [TreeHash] {
        defer {
            bytes.removeAll(keepingCapacity: true)
            ends.removeAll(keepingCapacity: true)
        }
        return bytes.withUnsafeBytes { bytes in
            let records = ends.indices.map { UnsafeRawBufferPointer(rebasing: bytes[($0 == 0 ? 0 : ends[$0 - 1])..<ends[$0]]) }
            return lanes.takes(records.count) ? sideBySide(records) : records.map { TreeHash(leaf: $0) }
        }
    }

    private func sideBySide(_ records: [UnsafeRawBufferPointer]) -> [TreeHash] {
        var hashes = lanes.hashes(
            of: records.map { record in
                sha256_message(bytes: record.baseAddress, count: record.count <= TreeHash.laneBytesMax ? record.count : 0, prefix: 0)
            })
        for (index, record) in records.enumerated() where record.count > TreeHash.laneBytesMax { hashes[index] = TreeHash(leaf: record) }
        return hashes
    }
}

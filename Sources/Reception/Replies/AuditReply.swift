import Archive
import Events
import RESP

/// Answers about what can be proved. Hashes are hexadecimal; notes and proofs are the files of C2SP, byte for byte.
extension ReplyWriter {
    mutating func checkpoint(_ checkpoint: SignedCheckpoint) {
        map(count: 3)
        key("size")
        integer(Int(clamping: checkpoint.size))
        key("root")
        hexadecimal(checkpoint.root)
        key("checkpoint")
        bulk(checkpoint.note)
    }

    mutating func proof(_ proof: RecordProof) {
        map(count: 8)
        key("position")
        position(proof.position)
        key("index")
        integer(Int(clamping: proof.position.rawValue - 1))
        key("size")
        integer(Int(clamping: proof.size))
        key("root")
        hexadecimal(proof.root)
        key("leaf")
        hexadecimal(proof.leaf)
        hashes(proof.hashes)
        key("record")
        if let record = proof.record { bulk(record) } else { null() }
        key("proof")
        if let file = proof.file { bulk(file) } else { null() }
    }

    mutating func growth(_ proof: GrowthProof) {
        map(count: 5)
        key("old")
        integer(Int(clamping: proof.old))
        key("old-root")
        hexadecimal(proof.oldRoot)
        key("new")
        integer(Int(clamping: proof.new))
        key("new-root")
        hexadecimal(proof.newRoot)
        hashes(proof.hashes)
    }

    mutating func auditKeys(_ keys: [String]) {
        array(count: keys.count)
        for key in keys { bulk(key) }
    }

    private mutating func hashes(_ hashes: [[UInt8]]) {
        key("hashes")
        array(count: hashes.count)
        for hash in hashes { hexadecimal(hash) }
    }
}

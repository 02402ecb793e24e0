import Events
import FoundationEssentials
import Ledger
import Merkle
import TestSupport
import Testing

@testable import Archive

@Suite("The audit tree and its checkpoints")
struct AuditTreeTests {
    private static let day = Instant.millisecondsPerDay

    /// Events of several days in any order, so that no block of the tree lies in one partition.
    private func fill(_ scratch: Scratch, _ count: Int, _ random: inout SeededRandom) {
        var rest = count
        while rest > 0 {
            let portion = min(rest, Int.random(in: 1...97, using: &random))
            scratch.send(
                (0..<portion).map { number in
                    Scratch.Post("m\(scratch.archive.end.rawValue)-\(number)").with {
                        $0.at = Scratch.start.advanced(byMilliseconds: -Int64.random(in: 0..<5, using: &random) * Self.day)
                    }
                })
            rest -= portion
        }
        scratch.archive.flush()
    }

    private func leaves(_ scratch: Scratch) throws -> [TreeHash] {
        try (1...scratch.archive.end.rawValue).map { position in
            let hash = try scratch.archive.core.store.withRecord(Position(position)) { record, _ in TreeHash(leaf: record) }
            return try #require(hash)
        }
    }

    /// MTH of RFC 6962, section 2.1, word for word.
    private func root(_ leaves: ArraySlice<TreeHash>) -> TreeHash {
        if leaves.isEmpty { return .empty }
        if leaves.count == 1 { return leaves[leaves.startIndex] }
        var power = 1
        while power * 2 < leaves.count { power *= 2 }
        return TreeHash(left: root(leaves.prefix(power)), right: root(leaves.dropFirst(power)))
    }

    private func check(_ scratch: Scratch, against leaves: [TreeHash], _ random: inout SeededRandom) throws {
        let tree = AuditTree(scratch.archive.core.store)
        #expect(try tree.size() == TreeSize(UInt64(leaves.count)))
        for size in [0, 1, 255, 256, 257, leaves.count] + (0..<10).map({ _ in Int.random(in: 1...leaves.count, using: &random) }) {
            let head = try tree.head(at: TreeSize(UInt64(size)))
            #expect(head.root == root(leaves[..<size]), "at \(size)")
            let now = try tree.head(at: TreeSize(UInt64(leaves.count)))
            try tree.consistency(from: head.size, to: now.size).verify(from: head, to: now)
            guard size > 0 else { continue }
            let place = Int.random(in: 0..<size, using: &random)
            try tree.inclusion(of: Position(UInt64(place + 1)), in: head.size).verify(leaf: leaves[place], in: head)
        }
    }

    @Test("heads and proofs of any size are those of the tree over all records, while it grows, after a start, and after a rebuild")
    func likeTheModel() throws {
        var random = SeededRandom(for: "audit tree")
        let scratch = try Scratch()
        fill(scratch, 300, &random)
        try check(scratch, against: leaves(scratch), &random)
        try scratch.reopen()
        fill(scratch, 700, &random)
        let all = try leaves(scratch)
        try check(scratch, against: all, &random)
        try scratch.crash()
        try check(scratch, against: all, &random)
        try scratch.close()
        try FileManager.default.removeItem(atPath: scratch.path + "/state.mdb")
        try scratch.rebuild()
        try scratch.open()
        try check(scratch, against: all, &random)
    }

    @Test("what was proved stays proved after its content is destroyed, and after its partition left the log")
    func outlives() throws {
        let scratch = try Scratch {
            $0.purge.trailPeriod = PurgeOptions.trailPeriodLeast
            $0.purge.compactionBytesPerSecond = 0
        }
        scratch.lendAppender()
        scratch.send((0..<600).map { Scratch.Post("m\($0)") })
        let old = try scratch.archive.checkpoint().get()
        let proof = try scratch.archive.proof(of: Position(77), size: nil).get()
        let record = try #require(proof.record)
        for _ in 0..<190 {
            scratch.clock.advance(days: 1)
            scratch.archive.flush()
            scratch.archive.upkeep.tick()
        }
        #expect(try scratch.archive.statistics().removedPartitions == 1)
        let again = try scratch.archive.proof(of: Position(77), size: old.size).get()
        #expect((again.root, again.hashes, again.leaf, again.file) == (proof.root, proof.hashes, proof.leaf, proof.file))
        #expect(again.record == nil)
        let key = try VerifierKey(parsing: try #require(scratch.archive.auditKeys.last))
        let file = try TLogProof(parsing: try #require(again.file))
        _ = try file.verify(leaf: record.withUnsafeBytes(TreeHash.init(leaf:)), of: key.name.line, with: key)
        // Purges and removals were signed by themselves.
        let newest = try #require(scratch.archive.core.notary.newest)
        #expect(newest.head.size.leaves > old.size)
        let growth = try scratch.archive.growth(from: old.size, to: nil).get()
        #expect(growth.oldRoot == old.root)
    }

    @Test("a checkpoint is signed once for each size, in the folder and in the file elsewhere, and read again after a start")
    func checkpoints() throws {
        let elsewhere = try TemporaryFolder()
        let scratch = try Scratch { $0.audit.outsideFile = elsewhere.file("checkpoints") }
        var signed: [[UInt8]] = []
        for round in 0..<4 {
            scratch.send(Scratch.Post("m\(round)"))
            let checkpoint = try scratch.archive.checkpoint().get()
            #expect(try scratch.archive.checkpoint().get() == checkpoint)
            signed.append(checkpoint.note)
            try scratch.reopen()
        }
        for path in [scratch.path + "/audit/checkpoints", elsewhere.file("checkpoints")] {
            #expect(try CheckpointFile(path: path).notes().map(\.bytes) == signed)
        }
    }

    @Test("a checkpoint that was half written is passed over, and the next one stands for itself", arguments: [1, 20, 60, 100, 150])
    func torn(count: Int) throws {
        let folder = try TemporaryFolder()
        let signer = try NoteSigner(name: try #require(NoteKeyName("log")), seed: Array(repeating: 7, count: 32))
        let notes = (1...2).map { size in
            Checkpoint(
                origin: signer.name.line, head: TreeHead(size: TreeSize(UInt64(size)), root: TreeHash(rootOf: []))
            ).signed(by: signer)
        }
        let file = CheckpointFile(path: folder.file("checkpoints"))
        try file.append(notes[0], of: signer.name.line)
        let whole = try Data(contentsOf: URL(filePath: file.path))
        try (whole + Data(notes[1].bytes.prefix(count))).write(to: URL(filePath: file.path))
        #expect(try file.notes() == [notes[0]])
        try file.append(notes[1], of: signer.name.line)
        #expect(try file.notes() == notes)
    }

    @Test("nothing is signed or proved for a log whose end was cut off, or that is not the one that was signed")
    func cutOff() throws {
        let scratch = try Scratch()
        scratch.send(Scratch.Post("a"))
        try scratch.close()
        let copy = scratch.path + "-older"
        try FileManager.default.copyItem(atPath: scratch.path, toPath: copy)
        try scratch.open()
        scratch.send(Scratch.Post("b"))
        _ = try scratch.archive.checkpoint().get()
        try scratch.close()
        // The older log, with what was signed since.
        try FileManager.default.removeItem(atPath: copy + "/audit")
        try FileManager.default.copyItem(atPath: scratch.path + "/audit", toPath: copy + "/audit")
        try FileManager.default.removeItem(atPath: scratch.path)
        try FileManager.default.moveItem(atPath: copy, toPath: scratch.path)
        try scratch.open()
        #expect(throws: Refusal.self) { try scratch.archive.checkpoint().get() }
        #expect(scratch.archive.upkeepStatus().checkpointError?.contains("its end was cut off") == true)
        #expect(throws: Refusal.self) { try scratch.archive.proof(of: Position(1), size: nil).get() }
        scratch.send(Scratch.Post("another"))
        #expect(throws: Refusal.self) { try scratch.archive.checkpoint().get() }
        #expect(scratch.archive.upkeepStatus().checkpointError?.contains("another root") == true)
        for (position, size) in [(1, nil), (2, nil), (1, 2), (2, 2)] as [(UInt64, UInt64?)] {
            let refusal = #expect(throws: Refusal.self) { try scratch.archive.proof(of: Position(position), size: size).get() }
            #expect(refusal?.code == .failed)
        }
        #expect(try scratch.archive.proof(of: Position(1), size: 1).get().file == nil)
        scratch.lendAppender()
        scratch.archive.upkeep.tick()
        #expect(scratch.archive.upkeepStatus().checkpointError?.contains("another root") == true)
    }

    @Test("a folder that was restored with its own older checkpoints signs nothing beside the file elsewhere that knows newer ones")
    func restored() throws {
        let elsewhere = try TemporaryFolder()
        let scratch = try Scratch { $0.audit.outsideFile = elsewhere.file("checkpoints") }
        scratch.send(Scratch.Post("a"))
        _ = try scratch.archive.checkpoint().get()
        try scratch.close()
        let copy = scratch.path + "-older"
        try FileManager.default.copyItem(atPath: scratch.path, toPath: copy)
        try scratch.open()
        scratch.send(Scratch.Post("b"))
        _ = try scratch.archive.checkpoint().get()
        try scratch.close()
        try FileManager.default.removeItem(atPath: scratch.path)
        try FileManager.default.moveItem(atPath: copy, toPath: scratch.path)
        try scratch.open()
        scratch.send(Scratch.Post("another"))
        #expect(throws: Refusal.self) { try scratch.archive.checkpoint().get() }
        #expect(scratch.archive.upkeepStatus().checkpointError?.contains("another root") == true)
        for size in [nil, 2] as [UInt64?] {
            #expect(throws: Refusal.self) { try scratch.archive.proof(of: Position(2), size: size).get() }
        }
        #expect(try scratch.archive.proof(of: Position(1), size: 1).get().file != nil)
        #expect(try CheckpointFile(path: elsewhere.file("checkpoints")).notes().count == 2)
    }

    @Test("a list of keys that is lost is made again by the key that signed; a verification says that nobody can tell who signed")
    func lostList() throws {
        let scratch = try Scratch()
        scratch.send(Scratch.Post("a"))
        let note = try scratch.archive.checkpoint().get().note
        let keys = scratch.archive.auditKeys
        try scratch.close()
        try FileManager.default.removeItem(atPath: scratch.path + "/audit/keys")
        let report = try AuditVerify(of: scratch.path, AuditVerify.Options()).run { _ in }
        #expect(report.verdict == .damaged)
        #expect(report.checkpointsCompared == 1)
        try scratch.open()
        #expect(scratch.archive.auditKeys == keys)
        #expect(try scratch.archive.checkpoint().get().note == note)
    }

    @Test("a new key signs from the next checkpoint on, and what the old one signed stays true")
    func rotation() throws {
        let scratch = try Scratch()
        scratch.send(Scratch.Post("a"))
        let old = try SignedNote(parsing: scratch.archive.checkpoint().get().note)
        let oldKey = try #require(scratch.archive.auditKeys.last)
        try scratch.close()
        let key = try SigningKeyRotation.run(ArchiveOptions(path: scratch.path))
        try scratch.open()
        #expect(scratch.archive.auditKeys == [oldKey, key])
        #expect(try scratch.archive.checkpoint().get().note == old.bytes)
        scratch.send(Scratch.Post("b"))
        let new = try SignedNote(parsing: scratch.archive.checkpoint().get().note)
        #expect(try old.verify(with: [VerifierKey(parsing: oldKey)]).count == 1)
        #expect(try new.verify(with: [VerifierKey(parsing: key)]).count == 1)
        #expect(throws: NoteFault.unknownKeys) { try new.verify(with: [VerifierKey(parsing: oldKey)]) }
    }

    @Test("a signing key that others can read, that is missing, or that is not of the list, is refused by name")
    func keyFiles() throws {
        let scratch = try Scratch()
        let path = scratch.path + "/audit/signing.key"
        try scratch.close()
        let bytes = try Data(contentsOf: URL(filePath: path))
        let damages: [(String, () throws -> Void)] = [
            ("nobody else can read", { try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: path) }),
            ("rotate-signing-key", { try FileManager.default.removeItem(atPath: path) }),
            ("does not list", { try DurableFile.write(Array(String(repeating: "ab", count: 32).utf8), to: path) }),
            ("64 hexadecimal digits", { try DurableFile.write(Array(bytes.dropLast(3)), to: path) }),
            ("64 hexadecimal digits", { try DurableFile.write(Array(bytes) + "more\n".utf8, to: path) }),
            ("64 hexadecimal digits", { try DurableFile.write(Array("+1".utf8) + bytes.dropFirst(2), to: path) }),
        ]
        for (sentence, damage) in damages {
            try damage()
            let failure = #expect(throws: ArchiveFailure.self) { try scratch.open() }
            #expect(failure?.description.contains(sentence) == true)
            #expect(failure?.description.contains(path) == true)
            try DurableFile.write(Array(bytes), to: path)
        }
        try scratch.open()
    }
}

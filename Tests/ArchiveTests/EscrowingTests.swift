import Events
import FoundationEssentials
import Synchronization
import TestSupport
import Testing
import Vault

@testable import Archive

@Suite("Escrowing")
struct EscrowingTests {
    private let files = FileManager.default

    @Test("with the vault lost and restored from the newest escrow every body reads, but for those that were destroyed")
    func restored() throws {
        let place = try EscrowPlace()
        let scratch = try place.archive()
        scratch.send((0..<5).map { number in Scratch.Post("m\(number)").with { $0.tenant = "t\(number)" } })
        _ = try scratch.keep(.tenant(TenantID("kept")), "forever")
        scratch.send(Scratch.Post("k").with { $0.tenant = "kept" })
        scratch.archive.upkeep.tick()
        #expect(try place.opened().keys == 6)
        try place.lose(scratch)
        for number in 0..<5 { #expect(try scratch.message("m\(number)", viewer: "bob", tenant: "t\(number)")?.body == Array("hello".utf8)) }

        scratch.clock.advance(days: 200)
        scratch.archive.upkeep.tick()
        let plan = try scratch.archive.upkeep.plan(coverage: .everything, basis: .expired)
        #expect(try scratch.archive.upkeep.run(plan.id, count: plan.messages, by: .user(0)).isDone)
        #expect(try place.opened().keys == 1)
        try place.lose(scratch)
        #expect(try scratch.message("m1", tenant: "t1")?.state == .purged)
        #expect(try scratch.message("k", viewer: "bob", tenant: "kept")?.body == Array("hello".utf8))
    }

    @Test("what was sealed under keys that came after the escrow is refused at the start, and purged when they are given up")
    func laterKeys() throws {
        let place = try EscrowPlace()
        let scratch = try place.archive()
        scratch.send(.init("early"))
        scratch.archive.upkeep.tick()
        let early = try Data(contentsOf: URL(filePath: place.path))
        scratch.send(Scratch.Post("late").with { $0.tenant = "other" })
        try scratch.close()
        // The machine went before the escrow was renewed.
        try early.write(to: URL(filePath: place.path))
        try files.removeItem(atPath: scratch.path + "/vault")
        #expect(throws: ArchiveFailure.self) { try scratch.open() }
        #expect(!files.fileExists(atPath: scratch.path + "/vault"), "a refused start made it")
        try place.opened().restore(to: scratch.path + "/vault")
        let refused = #expect(throws: ArchiveFailure.self) { try scratch.open() }
        #expect(refused.map { "\($0)".contains("lacks 1 of the keys") } == true)
        try files.removeItem(atPath: scratch.path + "/vault")
        try place.opened().restore(to: scratch.path + "/vault", givesUpLaterKeys: true)
        try scratch.open()
        #expect(try scratch.message("early", viewer: "bob")?.body == Array("hello".utf8))
        #expect(try scratch.message("late", viewer: "bob", tenant: "other")?.state == .purged)
        #expect(scratch.send(Scratch.Post("more").with { $0.tenant = "other" }).isAppended)
        try scratch.reopen()
        #expect(try scratch.message("more", viewer: "bob", tenant: "other")?.body == Array("hello".utf8))
        #expect(try place.opened().keys == 2)
    }

    @Test("it is written at the start, at a look when there are new keys, and at the end")
    func moments() throws {
        let place = try EscrowPlace()
        let scratch = try place.archive()
        #expect(try place.opened().keys == 0)
        scratch.send(.init("a"))
        #expect(try place.opened().keys == 0)
        scratch.archive.upkeep.tick()
        #expect(try place.opened().keys == 1)
        scratch.send(Scratch.Post("b").with { $0.tenant = "other" })
        try scratch.close()
        #expect(try place.opened().keys == 2)
        try files.removeItem(atPath: place.path)
        // Which says that it is lost.
        try files.removeItem(atPath: scratch.path + "/vault/escrowed")
        try scratch.open()
        #expect(try place.opened().keys == 2)
        let status = scratch.archive.upkeep.status.withLock { $0 }
        #expect(status.hasEscrow && status.escrowMadeAt == Scratch.start && status.escrowError == nil)
    }

    @Test("a damaged escrow is told of and written anew, at a look, at the start and at the end")
    func damaged() throws {
        let place = try EscrowPlace()
        let scratch = try place.archive()
        scratch.send(.init("m"))
        scratch.archive.upkeep.tick()
        try place.cutShort()
        scratch.archive.upkeep.tick()
        #expect(try place.opened().keys == 1)
        #expect(scratch.archive.upkeep.status.withLock { $0.escrowError }?.contains("damaged") == true)
        scratch.archive.upkeep.tick()
        #expect(scratch.archive.upkeep.status.withLock { $0.escrowError } == nil)

        try place.cutShort()
        try scratch.close()
        #expect(try place.opened().keys == 1)
        try place.cutShort()
        try scratch.open()
        #expect(try place.opened().keys == 1)
        scratch.archive.upkeep.tick()
        #expect(scratch.archive.upkeep.status.withLock { $0.escrowError }?.contains("damaged") == true)
    }

    @Test("a deleted escrow is written anew, and told of until somebody says that it is lost")
    func deleted() throws {
        let place = try EscrowPlace()
        let scratch = try place.archive()
        scratch.send(.init("m"))
        scratch.archive.upkeep.tick()
        try files.removeItem(atPath: place.path)
        scratch.archive.upkeep.tick()
        #expect(try place.opened().keys == 1)
        for _ in 0..<2 {
            #expect(scratch.archive.upkeep.status.withLock { $0.escrowError }?.contains(scratch.path + "/vault/escrowed") == true)
            try scratch.reopen()
            scratch.archive.upkeep.tick()
        }
        try scratch.close()
        try files.removeItem(atPath: scratch.path + "/vault/escrowed")
        try scratch.open()
        scratch.archive.upkeep.tick()
        #expect(scratch.archive.upkeep.status.withLock { $0.escrowError } == nil)
    }

    @Test("where another folder is in the place of the escrow's there is no receipt; with the right one in its place there is")
    func unmounted() throws {
        let place = try EscrowPlace()
        let scratch = try place.archive()
        scratch.send(.init("m"))
        scratch.archive.flush()
        scratch.clock.advance(days: 200)
        scratch.archive.upkeep.tick()
        try files.moveItem(atPath: place.elsewhere, toPath: place.elsewhere + ".unmounted")
        try files.createDirectory(atPath: place.elsewhere, withIntermediateDirectories: false)
        let plan = try scratch.archive.upkeep.plan(coverage: .everything, basis: .expired)
        let refusal = try scratch.archive.upkeep.run(plan.id, count: plan.messages, by: .user(0)).refusal
        #expect(refusal?.sentence.contains(place.path) == true)
        #expect(scratch.archive.purges(newest: 9).isEmpty)
        scratch.archive.upkeep.tick()
        #expect(scratch.archive.upkeep.status.withLock { $0.escrowError }?.contains(place.path) == true)
        #expect(try files.contentsOfDirectory(atPath: place.elsewhere) == [])
        #expect(scratch.send(.init("n")).isAppended)

        try files.removeItem(atPath: place.elsewhere)
        try files.moveItem(atPath: place.elsewhere + ".unmounted", toPath: place.elsewhere)
        scratch.archive.upkeep.tick()
        #expect(scratch.archive.upkeep.status.withLock { $0.escrowError } == nil)
        let again = try scratch.archive.upkeep.plan(coverage: .everything, basis: .expired)
        #expect(try scratch.archive.upkeep.run(again.id, count: again.messages, by: .user(0)).isDone)
        #expect(try place.opened().keys == 1)
    }

    @Test("where the old escrow cannot be replaced there is no receipt, nothing is appended, and the next start ends it")
    func notReplaced() throws {
        let place = try EscrowPlace()
        let scratch = try place.archive(at: FailPoint("shred-rootAdopted")) { path in
            // In the place of the file something that cannot be overwritten.
            try FileManager.default.moveItem(atPath: path, toPath: path + ".away")
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        }
        scratch.send(.init("m"))
        scratch.archive.flush()
        scratch.clock.advance(days: 200)
        scratch.archive.upkeep.tick()
        let plan = try scratch.archive.upkeep.plan(coverage: .everything, basis: .expired)
        #expect(throws: ArchiveFailure.self) { try scratch.archive.upkeep.run(plan.id, count: plan.messages, by: .user(0)) }
        #expect(scratch.send(.init("n")).code == .readOnly)
        #expect(throws: ArchiveFailure.self) { try scratch.close() }
        let refused = #expect(throws: ArchiveFailure.self) { try scratch.open() }
        #expect(refused.map { "\($0)".contains(place.path) } == true)

        try files.removeItem(atPath: place.path)
        try files.moveItem(atPath: place.path + ".away", toPath: place.path)
        #expect(try place.opened().keys == 1)
        try scratch.open()
        #expect(try place.opened().keys == 0)
        #expect(scratch.archive.purges(newest: 1).first?.outcome == .destroyed)
        #expect(try scratch.message("m")?.state == .purged)
    }

    @Test("where the next escrow cannot be written nothing is logged of a purge, and appends go on; a look says so, and tries again")
    func notStaged() throws {
        let place = try EscrowPlace()
        let scratch = try place.archive()
        scratch.send(.init("m"))
        scratch.archive.flush()
        scratch.clock.advance(days: 200)
        scratch.archive.upkeep.tick()
        try place.block()
        let plan = try scratch.archive.upkeep.plan(coverage: .everything, basis: .expired)
        let end = scratch.archive.end
        let refusal = try scratch.archive.upkeep.run(plan.id, count: plan.messages, by: .user(0)).refusal
        #expect(refusal?.code == .failed && refusal?.sentence.contains(place.path) == true)
        #expect(scratch.archive.end == end)
        #expect(scratch.send(.init("n")).isAppended)
        scratch.archive.upkeep.tick()
        #expect(scratch.archive.upkeep.status.withLock { $0.escrowError } != nil)
        try place.unblock()
        scratch.archive.upkeep.tick()
        #expect(scratch.archive.upkeep.status.withLock { $0.escrowError } == nil)
        #expect(try place.opened().keys == 2)
    }

    @Test("while the escrow cannot be written an automatic purge is put off, without a word in the log, and the rest of upkeep goes on")
    func putOff() throws {
        let place = try EscrowPlace()
        let scratch = try place.archive(with: { options in
            options.purge.isAutomatic = true
            options.purge.trailPeriod = PurgeOptions.trailPeriodLeast
        })
        scratch.send(.init("early"))
        scratch.clock.advance(days: 10)
        scratch.send(Scratch.Post("late").with { $0.tenant = "other" })
        scratch.archive.flush()
        scratch.clock.advance(days: 171)
        scratch.archive.upkeep.tick()
        #expect(scratch.archive.purges(newest: 9).map(\.outcome) == [.destroyed])
        try place.block()
        scratch.clock.advance(days: 14)
        for _ in 0..<3 { scratch.archive.upkeep.tick() }
        let status = scratch.archive.upkeep.status.withLock { $0 }
        #expect(status.escrowError?.contains(place.path) == true && status.lastError == nil)
        #expect(try scratch.allEvents().count { $0.kind == .purgeIntent } == 1)
        #expect(try !scratch.archive.partitions().map(\.name).contains("2026-11-23"))
        try place.unblock()
        scratch.archive.upkeep.tick()
        #expect(scratch.archive.purges(newest: 9).map(\.outcome) == [.destroyed, .destroyed])
        #expect(try files.contentsOfDirectory(atPath: place.elsewhere) == ["escrow"])
        #expect(scratch.archive.upkeep.status.withLock { $0.escrowError } == nil)
    }

    @Test("an archive whose escrow cannot be written is not opened")
    func noFolder() throws {
        let place = try EscrowPlace()
        let scratch = try place.archive()
        try scratch.close()
        try files.moveItem(atPath: place.folder.file("elsewhere"), toPath: place.folder.file("unmounted"))
        let refused = #expect(throws: ArchiveFailure.self) { try scratch.open() }
        #expect(refused.map { "\($0)".contains(place.path) } == true)
    }
}

/// A folder for an escrow beside archives, and the key that opens it.
private struct EscrowPlace {
    let folder: TemporaryFolder
    let secret: EscrowSecretKey

    var elsewhere: String { folder.file("elsewhere") }
    var path: String { elsewhere + "/escrow" }

    init() throws {
        folder = try TemporaryFolder()
        try FileManager.default.createDirectory(atPath: folder.file("elsewhere"), withIntermediateDirectories: false)
        secret = try EscrowSecretKey.make(to: folder.file("secret.key"))
    }

    /// An archive whose keys are kept here. `change` is made to the place at a boundary of a purge.
    func archive(
        at point: FailPoint? = nil, _ change: @escaping @Sendable (String) throws -> Void = { _ in },
        with settings: (inout ArchiveOptions) -> Void = { _ in }
    ) throws -> Scratch {
        let scratch = try Scratch { options in
            options.escrow = Escrow(path, sealedTo: secret.publicKey)
            options.purge.isAutomatic = false
            options.reached = { [path] reached in
                guard reached == point else { return }
                do { try change(path) } catch { Issue.record(error) }
            }
            settings(&options)
        }
        scratch.lendAppender()
        return scratch
    }

    /// Puts something in the place of the next escrow that cannot be overwritten.
    func block() throws { try FileManager.default.createDirectory(atPath: path + ".new/x", withIntermediateDirectories: true) }

    func unblock() throws { try FileManager.default.removeItem(atPath: path + ".new") }

    func cutShort() throws {
        let whole = try Data(contentsOf: URL(filePath: path))
        try whole.dropLast(1).write(to: URL(filePath: path))
    }

    func opened() throws -> OpenedEscrow { try OpenedEscrow(opening: path, with: secret) }

    /// Loses the vault, and restores it.
    func lose(_ scratch: Scratch) throws {
        try scratch.close()
        try FileManager.default.removeItem(atPath: scratch.path + "/vault")
        try opened().restore(to: scratch.path + "/vault")
        try scratch.open()
        scratch.lendAppender()
    }
}

extension Upkeep.PurgeResult {
    fileprivate var isDone: Bool { if case .done = self { true } else { false } }
    fileprivate var refusal: Refusal? { if case .refused(let refusal) = self { refusal } else { nil } }
}

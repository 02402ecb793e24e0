import Events
import Foundation
import TestSupport
import Vault

@testable import Archive
@testable import ArchiveTests

/// What must be true after every crash.
extension Simulation {
    /// Before anything is opened: the folder as somebody finds it.
    func look() throws {
        if random.chance(of: 1, in: 4) { try audit() }
        guard !deadRoots.isEmpty else { return }
        for file in files() {
            for root in deadRoots {
                try require(!Disk.contains(root, file), "a root key under which something was destroyed is back in \(file)")
            }
        }
    }

    private func audit() throws {
        tally.note("audits")
        var options = AuditVerify.Options()
        let kept = path + "-kept"
        if FileManager.default.fileExists(atPath: kept) { options.checkpointFiles = [kept] }
        let report = try AuditVerify(of: path, options).run { _ in }
        let findings = report.findings.map { "\($0.kind) \($0.first.map(String.init(describing:)) ?? "") \($0.place): \($0.sentence)" }
        try require(report.verdict == .sound, "the audit says \(report.verdict):\n\(findings.joined(separator: "\n"))")
    }

    private func files() -> [String] {
        let names = FileManager.default.enumerator(atPath: path)?.compactMap { $0 as? String } ?? []
        return names.filter { !$0.hasSuffix("-lock") }.map { path + "/" + $0 }
    }

    /// The root key as it lies there, if it does.
    func rootKeys() -> [[UInt8]] {
        guard let key = FileManager.default.contents(atPath: path + "/vault/root.key"), key.count >= 64 else { return [] }
        return [Array(key.prefix(64))]
    }

    /// After a start.
    func judge() throws {
        let events = try world.scratch.allEvents()
        try require(Array(events.prefix(log.count)) == log, "the log is another one than before")
        try require(events.count >= world.answered, "the log ends at \(events.count), and \(world.answered) was answered")
        log = events
        try checkPurges()
        if random.chance(of: 1, in: 12), rebuilds { try rebuild() }
        try world.judge(moments: 1, ids: [world.pick(PurgeWorld.names.ids)])
    }

    /// Every intent has its receipt, and no key is there of what is destroyed.
    private func checkPurges() throws {
        var intents: [Position: PurgeIntent] = [:]
        for event in log {
            if case .purgeIntent(let intent) = event.deed { intents[event.position] = intent }
            guard case .purge(let receipt) = event.deed, let intent = intents.removeValue(forKey: receipt.intent) else { continue }
            guard receipt.outcome == .destroyed else { continue }
            for key in intent.keyIDs {
                let isThere = world.scratch.archive.core.vault.contains(key)
                try require(!isThere, "key \(key) is there, and receipt \(event.position) says it is not")
            }
        }
        try require(intents.isEmpty, "intents without a receipt: \(intents.keys.sorted())")
    }

    /// All that is projected, made anew out of the log, is the same.
    private func rebuild() throws {
        tally.note("rebuilds")
        let digest = try world.scratch.archive.digest().get()
        try world.scratch.close()
        try world.scratch.rebuild()
        try world.scratch.open()
        world.scratch.lendAppender()
        let rebuilt = try world.scratch.archive.digest().get()
        try require(rebuilt == digest, "rebuilt at \(rebuilt.position) it is not what it was at \(digest.position)")
    }
}

import Events
import FoundationEssentials
import TestSupport
import Testing

@testable import Archive

/// Somebody who has all that the daemon has, keys included, appends what no daemon takes: tree and checkpoints are right.
@Suite("Verifying that a daemon takes what is in the log")
struct IllegalRulesTests {
    private static let day = Instant.millisecondsPerDay

    /// An archive with a locked policy, a change that is pending and one that was taken back, two holds of which one stands, and messages.
    private final class Forger {
        let scratch: Scratch
        let acme: TenantID
        let bolt: Scope
        let pending: Position
        let cancelled: Position
        let inForce: Position

        init() throws {
            scratch = try Scratch { $0.coolOffMilliseconds = 7 * day }
            acme = try TenantID("acme")
            bolt = .tenant(try TenantID("bolt"))
            scratch.send(["m1", "m2", "m3"].map(Scratch.Post.init))
            scratch.send(Scratch.Post("m1").with { $0.conversation = "other" })
            let locked = RetentionDraft.Change(.policy, .keep(.years(5)), isLocked: true)
            let draft = RetentionDraft(scope: .tenant(acme), changes: [locked], reason: "law")
            inForce = try #require(scratch.rule(.retention(draft)).position)
            cancelled = try #require(scratch.keep(bolt, "40d").position)
            scratch.rule(.cancel(CancelDraft(change: cancelled, reason: "no")))
            pending = try #require(scratch.keep(bolt, "30d").position)
            _ = try scratch.keep(bolt, "2y", at: Scratch.start.advanced(byMilliseconds: -900 * day))
            for name in ["stands", "gone"] { scratch.rule(.place(try Self.hold(name))) }
            scratch.rule(.release(ReleaseDraft(hold: try HoldID("gone"), reason: "over")))
            _ = try scratch.delete(["m1"], viewer: "bob")
            _ = try scratch.clear(upTo: Position(2), viewer: "bea")
            scratch.clock.advance(days: 1)
            scratch.rule(.confirmClock(reason: "looked"))
        }

        var now: Instant { scratch.clock.now }

        static func hold(_ name: String, matter: String = "7", sender: String = "eve") throws -> HoldPlace {
            let coverage = Coverage(tenant: try TenantID("acme"), sender: try UserID(sender))
            return HoldPlace(id: try HoldID(name), coverage: coverage, matter: matter, reason: "court")
        }

        static func release(_ name: String, sender: String = "eve") throws -> Event.Deed {
            let coverage = Coverage(tenant: try TenantID("acme"), sender: try UserID(sender))
            return .holdRelease(HoldRelease(id: try HoldID(name), coverage: coverage, reason: "over"))
        }

        func change(
            _ scope: Scope, _ rule: RetentionChange.Rule, isLocked: Bool = false, days: Int64 = 0, reason: String = "because"
        ) -> Event.Deed {
            let effectiveAt = now.advanced(byMilliseconds: days * day)
            return .retentionChange(
                RetentionChange(scope: scope, rule: rule, isLocked: isLocked, effectiveAt: effectiveAt, reason: reason))
        }

        func cancel(_ change: Position, _ scope: Scope? = nil) -> Event.Deed {
            .retentionCancel(RetentionCancel(scope: scope ?? bolt, change: change, reason: "because"))
        }

        static func delete(_ targets: [(position: UInt64, id: String)], in conversation: String = "general") throws -> Event.Deed {
            let targets = try targets.map { LocalDelete.Target(position: Position($0.position), messageID: try MessageID($0.id)) }
            return .localDelete(
                LocalDelete(
                    conversation: try ConversationID(conversation), viewer: try UserID("bob"), extent: .messages(targets)))
        }

        static func clear(_ position: UInt64) throws -> Event.Deed {
            .localDelete(
                LocalDelete(conversation: try ConversationID("general"), viewer: try UserID("bob"), extent: .upTo(Position(position))))
        }

        /// Returns where it is in the log.
        func append(_ deed: Event.Deed, tenant: TenantID?, imported: Instant? = nil, at: Instant? = nil) -> Position {
            let position = scratch.appender.append(deed, tenant: tenant, at: at ?? now, imported: imported, by: .user(0))
            _ = scratch.commit()
            return position
        }

        func findings(coolOffDays: Int64 = 0) throws -> [AuditFinding] {
            scratch.archive.flush()
            _ = try scratch.archive.checkpoint().get()
            return try AuditCopies.copy(of: scratch.path) { copy in
                let daemon = try FileLock(copy + "/LOCK", folder: copy)
                defer { _ = consume daemon }
                var options = AuditVerify.Options()
                options.coolOffMillisecondsLeast = coolOffDays * day
                return try AuditVerify(of: copy, options).run { _ in }.findings
            }
        }
    }

    private func expect(_ words: String, at position: Position, _ findings: [AuditFinding], _ line: SourceLocation = #_sourceLocation) {
        #expect(findings.map(\.kind) == [.tampered], "\(findings)", sourceLocation: line)
        #expect(findings.first?.first == position, sourceLocation: line)
        let sentence = findings.first?.sentence ?? ""
        #expect(sentence.contains("is illegal: ") && sentence.contains(words), "\(sentence)", sourceLocation: line)
    }

    @Test("what a daemon took is legal, in the journal and in partitions, and also by the cool-off that it had")
    func legal() throws {
        let forger = try Forger()
        #expect(try forger.findings() == [])
        #expect(try forger.findings(coolOffDays: 7) == [])
        forger.scratch.change { $0.foldMilliseconds = 3_600_000 }
        try forger.scratch.reopen()
        _ = try forger.scratch.delete(["m2"], viewer: "bob")
        forger.scratch.rule(.place(try Forger.hold("later")))
        try AuditCopies.copy(of: forger.scratch.path) { copy in
            let report = try AuditCopies.verify(copy)
            #expect(report.journaled == 2 && report.findings == [])
        }
    }

    enum Change: CaseIterable {
        case breaksLock, losesLock, ofNarrower, tooEarly, tooLate, beyondAnyCoolOff, withoutReason, systemInherits
    }

    @Test("a retention change that no daemon takes, whatever its cool-off is, is told", arguments: Change.allCases)
    func retention(change: Change) throws {
        let forger = try Forger()
        let acme = Scope.tenant(forger.acme)
        let (deed, words): (Event.Deed, String) =
            switch change {
            case .breaksLock: (forger.change(acme, .keep(.days(30)), days: 7), "is locked at 5y")
            case .losesLock: (forger.change(acme, .keep(.years(6))), "what is locked stays so")
            case .ofNarrower:
                (forger.change(.conversation(forger.acme, try ConversationID("general")), .keep(.days(9))), "is locked at 5y")
            case .tooEarly: (forger.change(acme, .keep(.years(6)), isLocked: true, days: -3), "no cool-off lets it")
            case .tooLate: (forger.change(acme, .keep(.years(6)), isLocked: true, days: 3), "no cool-off lets it")
            case .beyondAnyCoolOff: (forger.change(forger.bolt, .keep(.days(20)), days: 400), "no cool-off lets it")
            case .withoutReason: (forger.change(acme, .keep(.years(6)), isLocked: true, reason: ""), "reason is empty")
            case .systemInherits: (forger.change(.system, .inherit), "cannot be inherited")
            }
        let tenant: TenantID? =
            switch change {
            case .beyondAnyCoolOff: try TenantID("bolt")
            case .systemInherits: nil
            default: forger.acme
            }
        expect(words, at: forger.append(deed, tenant: tenant), try forger.findings())
    }

    @Test("a shortening that takes effect sooner than the cool-off is told to who says how long that was", arguments: [0, 3, 7, 9])
    func coolOff(days: Int64) throws {
        let forger = try Forger()
        let position = forger.append(forger.change(forger.bolt, .keep(.days(20)), days: days), tenant: try TenantID("bolt"))
        #expect(try forger.findings() == [])
        let found = try forger.findings(coolOffDays: 7)
        if days < 7 { expect("no cool-off lets it", at: position, found) } else { #expect(found == []) }
    }

    @Test("an import of what was still to come is told")
    func imported() throws {
        let forger = try Forger()
        let later = forger.now.advanced(byMilliseconds: Self.day)
        let deed = forger.change(.tenant(try TenantID("new")), .keep(.years(6)), days: 1)
        expect(
            "lies in the future", at: forger.append(deed, tenant: try TenantID("new"), imported: forger.now, at: later),
            try forger.findings())
        let other = try Forger()
        let position = other.append(try Forger.delete([(2, "m2")]), tenant: other.acme, imported: other.now, at: later)
        expect("the local-delete is illegal: at lies in the future", at: position, try other.findings())
    }

    enum Cancel: CaseIterable { case ofNothing, ofMessage, again, inForce, otherScope }

    @Test("a cancel of what is not pending is told", arguments: Cancel.allCases)
    func cancels(cancel: Cancel) throws {
        let forger = try Forger()
        let (deed, words): (Event.Deed, String) =
            switch cancel {
            case .ofNothing: (forger.cancel(Position(4000)), "is no retention change")
            case .ofMessage: (forger.cancel(.first), "is no retention change")
            case .again: (forger.cancel(forger.cancelled), "was said already")
            case .inForce: (forger.cancel(forger.inForce, .tenant(forger.acme)), "took effect at")
            case .otherScope: (forger.cancel(forger.pending, .tenant(forger.acme)), "not what is written")
            }
        let isOfBolt = cancel != .inForce && cancel != .otherScope
        expect(words, at: forger.append(deed, tenant: isOfBolt ? try TenantID("bolt") : forger.acme), try forger.findings())
    }

    enum Hold: CaseIterable { case neverStood, releasedAgain, ofOthers, placedAgain, nameTaken, nameUsed, backdated, backdatedEnd }

    @Test("a hold that is placed twice, or released and does not stand, is told", arguments: Hold.allCases)
    func holds(hold: Hold) throws {
        let forger = try Forger()
        let (deed, words): (Event.Deed, String) =
            switch hold {
            case .neverStood: (try Forger.release("nobody's"), "there is no hold")
            case .releasedAgain: (try Forger.release("gone"), "was said already")
            case .ofOthers: (try Forger.release("stands", sender: "ann"), "not what is written")
            case .placedAgain: (.holdPlace(try Forger.hold("stands")), "was said already")
            case .nameTaken: (.holdPlace(try Forger.hold("stands", matter: "8")), "stands already for something else")
            case .nameUsed: (.holdPlace(try Forger.hold("gone", matter: "8")), "was released")
            case .backdated: (.holdPlace(try Forger.hold("new")), "a time of its own")
            case .backdatedEnd: (try Forger.release("stands"), "a time of its own")
            }
        let isImport = hold == .backdated || hold == .backdatedEnd
        let position = forger.append(
            deed, tenant: forger.acme, imported: isImport ? forger.now : nil, at: isImport ? Scratch.start : nil)
        expect(words, at: position, try forger.findings())
    }

    @Test("that the clock is right when it shows another time than the log has is told")
    func clock() throws {
        let forger = try Forger()
        let wall = forger.now.advanced(byMilliseconds: 900 * Self.day)
        let position = forger.append(.clockConfirm(ClockConfirm(wall: wall, reason: "because")), tenant: nil)
        expect("the clock-confirm is illegal", at: position, try forger.findings())
    }

    enum Delete: CaseIterable { case ofNothing, ofRule, ofOther, inOther, ofStranger, toCome, ofZero, clearsToCome, clearsNothing }

    @Test("a local delete of what is no message of its conversation is told", arguments: Delete.allCases, [false, true])
    func deletes(delete: Delete, isJournaled: Bool) throws {
        let forger = try Forger()
        let (deed, words): (Event.Deed, String) =
            switch delete {
            case .ofNothing: (try Forger.delete([(1, "m1"), (4000, "m1")]), "at #4000 is no message")
            case .ofRule: (try Forger.delete([(forger.inForce.rawValue, "m1")]), "is no message 'm1'")
            case .ofOther: (try Forger.delete([(1, "m1"), (2, "m3"), (3, "m3")]), "at #2 is no message 'm3'")
            case .inOther: (try Forger.delete([(4, "m1")]), "at #4 is no message")
            case .ofStranger: (try Forger.delete([(1, "m1")]), "at #1 is no message")
            case .toCome: (try Forger.delete([(forger.scratch.archive.end.rawValue + 1, "m1")]), "is no message")
            case .ofZero: (try Forger.delete([(0, "m1")]), "at #0 is no message")
            case .clearsToCome: (try Forger.clear(forger.scratch.archive.end.rawValue + 1), "is not a position of the log")
            case .clearsNothing: (try Forger.clear(0), "is not a position of the log")
            }
        let tenant = delete == .ofStranger ? try TenantID("bolt") : forger.acme
        guard isJournaled else { return expect(words, at: forger.append(deed, tenant: tenant), try forger.findings()) }
        forger.scratch.archive.flush()
        forger.scratch.change { $0.foldMilliseconds = 3_600_000 }
        try forger.scratch.reopen()
        let position = forger.append(deed, tenant: tenant)
        let findings = try AuditCopies.copy(of: forger.scratch.path) { copy in try AuditCopies.verify(copy).findings }
        expect(words, at: position, findings)
    }

    @Test("behind a record that is missing nothing is judged, and a note says so")
    func missing() throws {
        let forger = try Forger()
        _ = forger.append(try Forger.release("nobody's"), tenant: forger.acme)
        try forger.scratch.close()
        let report = try AuditCopies.copy(of: forger.scratch.path) { copy in
            try FileManager.default.removeItem(atPath: try AuditCopies.partitions(of: copy)[1])
            return try AuditCopies.verify(copy)
        }
        #expect(report.verdict == .damaged)
        #expect(report.findings.allSatisfy { !$0.sentence.contains("illegal") })
        #expect(report.notes.contains { $0.contains("was not judged: #1 is missing") })
        try forger.scratch.open()
    }
}

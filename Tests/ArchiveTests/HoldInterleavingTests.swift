import Events
import Projections
import Testing
import Vault

@testable import Archive

/// Every interleaving of a change of the rules with the steps of a purge: the machine is stepped, nothing is left to chance.
@Suite("Holds against purges")
struct HoldInterleavingTests {
    /// What is done between two steps.
    enum Change: CaseIterable, Sendable {
        case hold, longerPolicy, floor, latecomer, crash
    }

    /// Steps there are: intent, evacuation, binding, shredding, receipt; before each of them, and behind the last.
    static let places = Array(0...5)

    @Test(
        "whatever comes between two steps: the receipt is earlier than the hold, or nothing held is lost", arguments: Change.allCases,
        [false, true])
    func interleaved(change: Change, hasSurvivors: Bool) throws {
        for place in Self.places { try interleave(change, at: place, hasSurvivors) }
    }

    private func interleave(_ change: Change, at place: Int, _ hasSurvivors: Bool) throws {
        let scratch = try filled(hasSurvivors)
        try drive(scratch, change, at: place)
        if change == .crash {
            try scratch.crash()
            scratch.lendAppender()
        }
        try check(scratch, hasSurvivors, "\(change) at \(place)")
        try scratch.reopen()
        scratch.lendAppender()
        try check(scratch, hasSurvivors, "\(change) at \(place), reopened")
    }

    /// So many steps, the change, and the other steps. Before a crash there is nothing behind it.
    private func drive(_ scratch: Scratch, _ change: Change, at place: Int) throws {
        var run = try purge(of: scratch)
        for _ in 0..<place where !run.isOver { try run.advance(flush: scratch.archive.flush) }
        if change == .crash { return }
        let isBound = !scratch.appender.takesRules
        let verdict = try make(change, in: scratch)
        if isBound, change != .latecomer { #expect(verdict.code == .busy, "\(change) at \(place)") } else { #expect(verdict.isAppended) }
        while !run.isOver { try run.advance(flush: scratch.archive.flush) }
        #expect(scratch.appender.takesRules)
        if case .done(let receipt) = run.state {
            if let position = verdict.position, change != .latecomer {
                #expect(position > receipt, "\(change) at \(place) was passed over")
            }
            #expect(try scratch.message("due")?.state == .purged)
        } else {
            #expect(try body(of: "due", scratch) == "content of due", "\(change) at \(place) came too late, and nothing is destroyed")
        }
        if change == .latecomer { #expect(try body(of: "late", scratch) == "content of late", "at \(place)") }
    }

    /// An expired message, one that is held from the beginning if there shall be survivors, and one that lives in the same partition.
    private func filled(_ hasSurvivors: Bool) throws -> Scratch {
        let scratch = try Scratch {
            $0.purge.sliceBodies = 1
            $0.purge.isAutomatic = false
        }
        scratch.lendAppender()
        if hasSurvivors { _ = try scratch.keep(.conversation(TenantID("acme"), ConversationID("kept")), "forever") }
        scratch.send([post("due", conversation: "general"), post("too", conversation: "general")])
        if hasSurvivors { scratch.send([post("alive", conversation: "kept"), post("held", conversation: "general", sender: "eve")]) }
        if hasSurvivors {
            let coverage = Coverage(tenant: try TenantID("acme"), sender: try UserID("eve"))
            let hold = HoldPlace(id: try HoldID("first"), coverage: coverage, matter: "7", reason: "a court")
            #expect(scratch.rule(.place(hold)).isAppended)
        }
        scratch.clock.advance(days: 200)
        scratch.archive.upkeep.tick()  // Notes the time, so that nobody doubts it after a crash.
        return scratch
    }

    private func post(_ id: String, conversation: String, sender: String = "ann") -> Scratch.Post {
        Scratch.Post(id).with { post in
            post.conversation = conversation
            post.sender = sender
            post.body = "content of \(id)"
        }
    }

    private func purge(of scratch: Scratch) throws -> PurgeRun {
        let plan = try scratch.archive.upkeep.plan(coverage: .everything, basis: .expired)
        #expect(plan.messages == 2)
        let intent = try #require(plan.intents().first)
        return PurgeRun(scratch.archive.core, intent) { [upkeep = scratch.archive.upkeep] draft in upkeep.append(draft, by: .system) }
    }

    private func make(_ change: Change, in scratch: Scratch) throws -> Verdict {
        let acme = Scope.tenant(try TenantID("acme"))
        switch change {
        case .hold:
            let coverage = Coverage(tenant: try TenantID("acme"))
            return scratch.rule(.place(HoldPlace(id: try HoldID("late"), coverage: coverage, matter: "8", reason: "another court")))
        case .longerPolicy: return try scratch.keep(acme, "5y")
        case .floor:
            let floor = RetentionDraft.Change(.floor, .keep(.years(5)))
            return scratch.rule(.retention(RetentionDraft(scope: acme, changes: [floor], reason: "the law")))
        case .latecomer:
            return scratch.send(post("late", conversation: "general").with { $0.at = Scratch.start })
        case .crash: preconditionFailure("a crash is no verdict")
        }
    }

    private func check(_ scratch: Scratch, _ hasSurvivors: Bool, _ moment: String) throws {
        #expect(scratch.archive.upkeepStatus().openIntents == 0, "\(moment)")
        let state = try scratch.message("due")?.state
        #expect(try scratch.message("too")?.state == state, "\(moment): both go, or none")
        if hasSurvivors {
            #expect(try body(of: "alive", scratch) == "content of alive", "\(moment)")
            #expect(try body(of: "held", scratch) == "content of held", "\(moment)")
        }
        // Whatever came of it, the next purge goes through, and takes what is due by then.
        let plan = try scratch.archive.upkeep.plan(coverage: .everything, basis: .expired)
        if plan.messages > 0 {
            let result = try scratch.archive.upkeep.run(plan.id, count: plan.messages, by: .user(0))
            if case .refused(let refusal) = result { Issue.record("\(moment): \(refusal)") }
        }
        if hasSurvivors { #expect(try body(of: "held", scratch) == "content of held", "\(moment)") }
    }

    private func body(of id: String, _ scratch: Scratch) throws -> String? {
        let history = try scratch.archive.history(tenant: TenantID("acme"), id: MessageID(id))
        return history?.message.body.map { String(decoding: $0, as: UTF8.self) }
    }
}

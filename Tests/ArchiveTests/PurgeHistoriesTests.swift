import Events
import Glibc
import TestSupport
import Testing

@testable import Archive

/// Random histories against the model: what anybody sees of any message as of any moment, and what purges destroy.
@Suite("Purges of random histories")
struct PurgeHistoriesTests {
    /// How many histories share an archive, each of them a tenant with its own turns: most of them many, since opening one costs more
    /// than a history, and some only a few, so that one that fails is short to read.
    static let sizes = [1, 2, 4, 93]
    /// How many archives there are of each size: 100 are 10,000 histories.
    static let rounds = getenv("ANNALS_HISTORY_ROUNDS").flatMap { Int(String(cString: $0)) } ?? 100

    /// A seed of the environment is that of one archive. Otherwise they are the same every time, so that what was whole stays whole;
    /// more rounds look further.
    static let seeds: [[UInt64]] = {
        let given = getenv("ANNALS_SEED").flatMap { UInt64(String(cString: $0)) }
        if let given { return [[given]] }
        return (0..<rounds).map { round in
            sizes.map { size in UInt64(size) | (UInt64(round) &* 0x9E37_79B9_7F4A_7C15 &+ UInt64(size) &* 0xBF58_476D_1CE4_E5B9) << 8 }
        }
    }()

    @Test("every state of every message for every viewer as of any moment is what the model says", arguments: seeds.indices)
    func equalsTheModel(part: Int) throws {
        for seed in Self.seeds[part] {
            let world = try PurgeWorld(seed: seed, histories: Int(seed & 0xFF))
            do {
                for turn in 0..<Int.random(in: 12...45, using: &world.random) {
                    try world.turn()
                    if turn % 12 == 11 { try world.judge(moments: 1, ids: [world.pick(PurgeWorld.names.ids)]) }
                }
                try world.tick()
                try world.judge(moments: 4, ids: PurgeWorld.names.ids)
                try world.verify()
            } catch is PurgeWorld.Wrong {
                continue  // It is recorded already, and the next seed may tell more.
            }
        }
    }
}

extension PurgeWorld {
    /// What is told of a message.
    private struct Telling: Equatable {
        var position: Int
        var state: PurgeModel.State
        var receipt: Int
        var expires: Int
        var isHeld: Bool
        var body: String?
    }

    /// Asks for everything now, and as of some random moments; and for the histories of some ids.
    func judge(moments: Int, ids: [String]) throws {
        let all = [(AsOf.now, present)] + (end > 0 ? (0..<moments).map { _ in moment() } : [])
        for tenant in tenants {
            for (asOf, moment) in all { try judge(tenant, asOf, model.view(of: tenant, at: moment)) }
            for id in ids { try judgeHistory(tenant, id) }
        }
    }

    /// Nobody finds anything in the log, also who knows how short the cool-off ever was.
    func verify() throws {
        var options = AuditVerify.Options()
        options.coolOffMillisecondsLeast = Int64(coolOffLeast)
        // A copy of files that are being written is of no moment.
        scratch.archive.flush()
        scratch.archive.errands?.settle()
        let report = try AuditCopies.copy(of: scratch.path) { copy in try AuditVerify(of: copy, options).run { _ in } }
        try require(report.findings.isEmpty, "", "a verification finds \(report.findings.map { "\($0.sentence) (\($0.first ?? .none))" })")
    }

    private func moment() -> (AsOf, PurgeModel.Moment) {
        let position = Int.random(in: 1...end, using: &random)
        if random.chance(of: 1, in: 2) {
            return (.position(Position(UInt64(position))), .init(position: position, time: recorded[position]))
        }
        let time = pick([oldTime(), recorded[position], clock + Int.random(in: 0..<200, using: &random) * Calendar.day])
        return (.time(Instant(milliseconds: Int64(time))), .init(position: end, time: time))
    }

    /// Each message for nobody, each timeline for each viewer, which says what is hidden from him, and one message for somebody.
    private func judge(_ tenant: String, _ asOf: AsOf, _ view: PurgeModel.View) throws {
        let messages = view.messages.sorted { ($0.at, $0.position) < ($1.at, $1.position) }
        let asked: [(String, String?)] = Self.names.ids.map { ($0, nil) } + [(pick(Self.names.ids), pick(Self.names.people))]
        for (id, viewer) in asked {
            let found = try scratch.message(id, viewer: viewer, asOf: asOf, tenant: tenant).map(telling)
            let expected = messages.last { $0.id == id }.map { telling(of: $0, view, for: viewer) }
            try require(
                found == expected, tenant,
                "\(id) for \(viewer ?? "nobody") as of \(asOf), \(view.moment): \(String(describing: found)), not \(String(describing: expected))"
            )
        }
        for viewer in Self.names.people {
            for conversation in Self.names.conversations {
                let found = try scratch.page(viewer: viewer, conversation: conversation, tenant: tenant, count: 1000, asOf: asOf)
                let expected = messages.filter { $0.conversation == conversation && view.state(of: $0, for: viewer).wasVisible }
                try require(
                    found.messages.map(telling) == expected.map { telling(of: $0, view, for: viewer) }, tenant,
                    "\(conversation) for \(viewer) as of \(asOf), \(view.moment): \(found.messages), not \(expected)")
            }
        }
    }

    private func telling(of message: PurgeModel.Message, _ view: PurgeModel.View, for viewer: String?) -> Telling {
        let state = view.state(of: message, for: viewer).0
        return Telling(
            position: message.position, state: state, receipt: state == .purged ? model.destroyed[message.position]?.position ?? 0 : 0,
            expires: view.end(of: message), isHeld: view.isHeld(message), body: state == .visible ? message.body : nil)
    }

    private func telling(_ message: Message) -> Telling {
        let state: PurgeModel.State =
            switch message.state {
            case .purged: .purged
            case .expired: .expired
            case .hidden: .hidden
            case .visible: .visible
            }
        return Telling(
            position: Int(message.position.rawValue), state: state, receipt: Int(message.receipt?.rawValue ?? 0),
            expires: message.expires.map { Int($0.milliseconds) } ?? .max, isHeld: message.isHeld,
            body: message.body.map { String(decoding: $0, as: UTF8.self) })
    }

    /// The body must be there unless a purge destroyed it, whoever may read it.
    private func judgeHistory(_ tenant: String, _ id: String) throws {
        let expected = (model.messages[tenant] ?? []).filter { $0.id == id }.max { ($0.at, $0.position) < ($1.at, $1.position) }
        let found = try scratch.archive.history(tenant: TenantID(tenant), id: MessageID(id))
        let body = found?.message.body.map { String(decoding: $0, as: UTF8.self) }
        let isDestroyed = expected.map { model.destroyed[$0.position] != nil } ?? true
        try require(
            body == (isDestroyed ? nil : expected?.body), tenant,
            "the history of \(id) has \(body ?? "no body"): \(String(describing: expected))")
    }
}

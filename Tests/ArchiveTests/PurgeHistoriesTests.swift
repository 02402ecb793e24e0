import Events
import Glibc
import TestSupport
import Testing

@testable import Archive

/// Random histories against the model: what anybody sees of any message as of any moment, and what purges destroy.
@Suite("Purges of random histories")
struct PurgeHistoriesTests {
    /// How many histories share an archive: most of them many, since opening one costs more than a history, and some only a few, so that
    /// one that fails is short to read.
    static let sizes = [1, 2, 3, 44]
    /// How many archives there are of each size: 6 of them are 300 histories, 200 are 10,000 (a quarter of an hour on two cores).
    static let rounds = getenv("ANNALS_HISTORY_ROUNDS").flatMap { Int(String(cString: $0)) } ?? 6

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
                    if turn % 12 == 11 { try world.judge(moments: 1) }
                }
                try world.tick()
                try world.judge(moments: 3)
            } catch is PurgeWorld.Wrong {
                continue  // It is recorded already, and the next seed may tell more.
            }
        }
    }
}

extension PurgeWorld {
    /// Asks for everything now, and as of some random moments.
    func judge(moments: Int) throws {
        var all: [(AsOf, PurgeModel.Moment)] = [(.now, present)]
        for _ in 0..<moments where end > 0 {
            let position = Int.random(in: 1...end, using: &random)
            all.append((.position(Position(UInt64(position))), .init(position: position, time: recorded[position])))
            let time = pick([oldTime(), recorded[position], clock + Int.random(in: 0..<200, using: &random) * Calendar.day])
            all.append((.time(Instant(milliseconds: Int64(time))), .init(position: end, time: time)))
        }
        for tenant in tenants {
            for (asOf, moment) in all { try judge(tenant, asOf, model.view(of: tenant, at: moment)) }
            for id in Self.names.ids { try judgeHistory(tenant, id) }
        }
    }

    private func judge(_ tenant: String, _ asOf: AsOf, _ view: PurgeModel.View) throws {
        let messages = view.messages.sorted { ($0.at, $0.position) < ($1.at, $1.position) }
        for viewer in [nil] + Self.names.people.map(Optional.some) {
            for id in Self.names.ids {
                let found = try scratch.message(id, viewer: viewer, asOf: asOf, tenant: tenant)
                let expected = messages.last { $0.id == id }.map { description(of: $0, view, for: viewer, isNow: asOf == .now) }
                try require(
                    found.map(description) == expected, tenant,
                    "\(id) for \(viewer ?? "nobody") as of \(asOf), \(view.moment): \(found.map(description) ?? "-"), not \(expected ?? "-")"
                )
            }
            guard let viewer else { continue }
            for conversation in Self.names.conversations {
                let found = try scratch.page(viewer: viewer, conversation: conversation, tenant: tenant, count: 1000, asOf: asOf)
                let expected = messages.filter { $0.conversation == conversation && view.state(of: $0, for: viewer).wasVisible }
                try require(
                    found.messages.map { Int($0.position.rawValue) } == expected.map(\.position), tenant,
                    "\(conversation) for \(viewer) as of \(asOf), \(view.moment): \(found.messages), not \(expected)")
            }
        }
    }

    private func description(of message: PurgeModel.Message, _ view: PurgeModel.View, for viewer: String?, isNow: Bool) -> String {
        let state = view.state(of: message, for: viewer).0
        let receipt = state == .purged ? model.destroyed[message.position]?.position ?? 0 : 0
        let end = view.end(of: message)
        let expires = end == .max ? "never" : "\(end)"
        let body = state == .visible ? message.body : "-"
        return "\(message.position) \(state) \(receipt) \(expires) \(view.isHeld(message) ? "held" : "free") \(body)"
    }

    private func description(_ message: Message) -> String {
        let body = message.body.map { String(decoding: $0, as: UTF8.self) } ?? "-"
        let expires = message.expires.map { "\($0.milliseconds)" } ?? "never"
        let held = message.isHeld ? "held" : "free"
        return "\(message.position.rawValue) \(message.state) \(message.receipt?.rawValue ?? 0) \(expires) \(held) \(body)"
    }

    /// The body must be there unless a purge destroyed it, whoever may read it.
    private func judgeHistory(_ tenant: String, _ id: String) throws {
        let view = model.view(of: tenant, at: present)
        let expected = view.messages.filter { $0.id == id }.max { ($0.at, $0.position) < ($1.at, $1.position) }
        let found = try scratch.archive.history(tenant: TenantID(tenant), id: MessageID(id))
        let body = found?.message.body.map { String(decoding: $0, as: UTF8.self) }
        let isDestroyed = expected.map { model.destroyed[$0.position] != nil } ?? true
        try require(
            body == (isDestroyed ? nil : expected?.body), tenant,
            "the history of \(id) has \(body ?? "no body"): \(String(describing: expected))")
    }
}

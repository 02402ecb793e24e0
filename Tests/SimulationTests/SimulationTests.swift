import Glibc
import TestSupport
import Testing

/// Random histories of a whole archive on a disk that forgets, tears, fails and fills up.
///
/// `ANNALS_SIMULATION_SECONDS` says for how long new ones are tried, and `ANNALS_SIMULATION_FROM` which ones, as a run prints it; `ANNALS_SEED`
/// (and `ANNALS_TURNS`) is the one that is to be seen again, with `SWIFT_DETERMINISTIC_HASHING=1` as in the run that failed.
@Suite("Simulation", .serialized)
struct SimulationTests {
    static let seconds: Int = number("ANNALS_SIMULATION_SECONDS") ?? 10
    static let turns = 60
    /// What was whole stays whole. Among them those by which something was found once.
    static let oldSeeds: [UInt64] = [1, 7, 14, 17]

    static func number<Number: FixedWidthInteger>(_ name: String) -> Number? { getenv(name).flatMap { Number(String(cString: $0)) } }

    @Test("the same seed makes the same calls")
    func isDeterministic() throws {
        let digests = try (0..<2).map { _ in
            let simulation = try Simulation(seed: 7)
            simulation.rebuilds = false  // They use all cores.
            let turn = simulation.run(0..<20)
            #expect(turn == nil, "\(simulation.wrong ?? "")")
            return simulation.disk.digest
        }
        #expect(digests[0] == digests[1])
    }

    @Test("after every crash the archive is what the model says")
    func holdsItsPromises() throws {
        let clock = ContinuousClock()
        let end = clock.now + .seconds(Self.seconds)
        let one: UInt64? = Self.number("ANNALS_SEED")
        var seeds = one.map { [$0] } ?? Self.oldSeeds
        var random = SeededRandom(seed: Self.number("ANNALS_SIMULATION_FROM") ?? .random(in: .min ... .max))
        if one == nil { print("simulation: ANNALS_SIMULATION_FROM=\(random.seed)") }
        var tally = Simulation.Tally()
        var histories = 0
        repeat {
            let seed = seeds.popLast() ?? random.next()
            let simulation = try Simulation(seed: seed)
            let turn = simulation.run(Self.wantedTurns ?? Array(0..<Self.turns))
            tally.add(simulation.tally)
            histories += 1
            if let turn {
                let shortest = Shrinking(seed: seed, turns: (Self.wantedTurns ?? Array(0...turn)).filter { $0 <= turn })
                Issue.record("\(shortest.run(simulation))")
                break
            }
        } while one == nil && (!seeds.isEmpty || clock.now < end)
        print("simulation: \(histories) histories, \(tally)")
    }

    private static let wantedTurns = getenv("ANNALS_TURNS").map { String(cString: $0).split(separator: ",").compactMap { Int($0) } }

    @Test("a disk that lies is found out", arguments: [".aj", "/keyring"])
    func seesLies(about part: String) throws {
        let isFound = try (UInt64(1)..<30).contains { seed in
            let simulation = try Simulation(seed: seed, lying: part)
            return simulation.run(0..<30) != nil
        }
        #expect(isFound)
    }
}

/// The shortest history that goes wrong still, found by leaving out turns.
struct Shrinking {
    let seed: UInt64
    let turns: [Int]
    private static let secondsMax = 60

    /// - Parameter last: one that has gone wrong.
    func run(_ last: Simulation) -> String {
        let clock = ContinuousClock()
        let end = clock.now + .seconds(Self.secondsMax)
        var (turns, wrong) = (turns, report(last))
        var chunk = max(1, turns.count / 2)
        while true {
            var start = 0
            while start < turns.count, clock.now < end {
                let fewer = Array(turns[..<start] + turns[min(start + chunk, turns.count)...])
                if let found = attempt(fewer) { (turns, wrong) = found } else { start += chunk }
            }
            if chunk == 1 || clock.now >= end { break }
            chunk /= 2
        }
        return "ANNALS_SEED=\(seed) ANNALS_TURNS=\(turns.map(String.init).joined(separator: ","))\n\(wrong)"
    }

    /// The turns that it took, and what was wrong; nil: nothing.
    private func attempt(_ turns: [Int]) -> ([Int], String)? {
        do {
            let simulation = try Simulation(seed: seed)
            guard let last = simulation.run(turns) else { return nil }
            return (turns.filter { $0 <= last }, report(simulation))
        } catch { return nil }  // Not the way in which it went wrong.
    }

    private func report(_ simulation: Simulation) -> String { "\(simulation.wrong ?? "")\n\(simulation.disk.trace)" }
}

extension Simulation.Tally: CustomStringConvertible {
    mutating func add(_ other: Self) {
        for (name, count) in other.counts { counts[name, default: 0] += count }
    }

    var description: String { counts.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }.joined(separator: ", ") }
}

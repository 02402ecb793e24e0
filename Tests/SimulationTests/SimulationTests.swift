import Glibc
import TestSupport
import Testing

@Suite("Simulation", .serialized)
struct SimulationTests {
    @Test("the same seed makes the same calls")
    func isDeterministic() throws {
        let digests = try (0..<2).map { _ in
            let simulation = try Simulation(seed: 7)
            let turn = simulation.run(0..<30)
            #expect(turn == nil, "\(simulation.wrong ?? "")")
            return simulation.disk.digest
        }
        #expect(digests[0] == digests[1])
    }

    @Test("one")
    func one() throws {
        let seed = getenv("ANNALS_SEED").flatMap { UInt64(String(cString: $0)) } ?? 1
        let clock = ContinuousClock()
        let start = clock.now
        for seed in seed..<seed + UInt64(getenv("ANNALS_N").flatMap { Int(String(cString: $0)) } ?? 20) {
            let simulation = try Simulation(seed: seed)
            let turn = simulation.run(0..<60)
            print(seed, simulation.tally, clock.now - start)
            if let turn {
                print("turn \(turn):", simulation.wrong ?? "")
                print(simulation.disk.trace)
                #expect(turn < 0)
            }
        }
    }
}

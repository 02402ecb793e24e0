import Events
import TestSupport
import Testing

@Suite("Coverage")
struct CoverageTests {
    @Test("everything covers everything")
    func everything() {
        #expect(Coverage.everything.covers("acme", "general", "alice", at: .distantPast))
        #expect(Coverage.everything.covers("zeta", "x", "y", at: .distantFuture))
    }

    @Test("a message must fit all that is named")
    func intersection() {
        let coverage = Coverage(tenant: "acme", conversation: "general", sender: "alice")
        #expect(coverage.covers("acme", "general", "alice", at: .distantPast))
        #expect(!coverage.covers("acm", "general", "alice", at: .distantPast))
        #expect(!coverage.covers("acme", "other", "alice", at: .distantPast))
        #expect(!coverage.covers("acme", "general", "bob", at: .distantPast))
        #expect(Coverage(tenant: "acme", sender: "alice").covers("acme", "other", "alice", at: .distantPast))
    }

    @Test("the first moment is covered, the last one is not")
    func times() {
        let coverage = Coverage(from: Instant(milliseconds: 10), until: Instant(milliseconds: 20))
        let covered = [9, 10, 19, 20].map { coverage.covers("t", "c", "s", at: Instant(milliseconds: $0)) }
        #expect(covered == [false, true, true, false])
    }

    @Test("it is written as on the wire")
    func description() {
        let coverage = Coverage(
            tenant: "acme", conversation: "general", sender: "alice", from: GoldenTime.newYear, until: GoldenTime.november)
        #expect("\(Coverage.everything)" == "SYSTEM")
        #expect("\(Coverage(until: GoldenTime.newYear))" == "SYSTEM UNTIL 2014-01-01T00:00:00.000Z")
        #expect(
            "\(coverage)"
                == "TENANT acme CONVERSATION general SENDER alice FROM 2014-01-01T00:00:00.000Z UNTIL 2026-11-23T06:42:18.123Z")
    }

    @Test("one contains another if it covers all that the other covers, and overlaps it if one message is in both")
    func againstAllMessages() {
        var random = SeededRandom(for: "coverages against all messages")
        for _ in 0..<5_000 {
            let (one, other) = (random.smallCoverage(), random.smallCoverage())
            let (covered, alsoCovered) = (Self.messages(in: one), Self.messages(in: other))
            #expect(one.mayOverlap(other) == !covered.isDisjoint(with: alsoCovered), "\(one) | \(other)")
            #expect(one.contains(other) == covered.isSuperset(of: alsoCovered), "\(one) | \(other)")
            #expect(one.isEmpty == covered.isEmpty)
        }
    }

    @Test("from the first moment on is as good as always; until the last one is not")
    func ends() {
        #expect(Coverage(from: .distantPast).contains(.everything))
        #expect(!Coverage(until: .distantFuture).contains(.everything))
        #expect(!Coverage(from: .distantFuture).isEmpty)
    }

    /// Of a small world: some name of each kind is in no coverage, so that "any" is more than all of those that are.
    private static func messages(in coverage: Coverage) -> Set<[Int]> {
        var found: Set<[Int]> = []
        for tenant in 0..<3 {
            for conversation in 0..<3 {
                for sender in 0..<3 {
                    for time in 0..<6 {
                        let isCovered = coverage.covers(
                            small(tenant), small(conversation), small(sender), at: Instant(milliseconds: Int64(time)))
                        if isCovered { found.insert([tenant, conversation, sender, time]) }
                    }
                }
            }
        }
        return found
    }
}

private func small<Of>(_ number: Int) -> Name<Of> {
    do { return try Name("n\(number)") } catch { preconditionFailure("because n\(number) \(error.explanation)") }
}

extension SeededRandom {
    /// Of names and times of which there are few.
    fileprivate mutating func smallCoverage() -> Coverage {
        let tenant: TenantID? = chance(of: 1, in: 4) ? nil : small(.random(in: 0..<2, using: &self))
        return Coverage(
            tenant: tenant, conversation: tenant == nil || chance(of: 1, in: 2) ? nil : small(.random(in: 0..<2, using: &self)),
            sender: tenant == nil || chance(of: 1, in: 2) ? nil : small(.random(in: 0..<2, using: &self)), from: smallTime(),
            until: smallTime())
    }

    private mutating func smallTime() -> Instant? {
        chance(of: 1, in: 2) ? nil : Instant(milliseconds: .random(in: 0..<5, using: &self))
    }
}

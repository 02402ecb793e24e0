import AnnalsClient
import ArgumentParser
import Console
import Events
import RESP
import Testing

/// Holds, purges, compaction, and the rules that decide what must go: as they are typed.
struct DestructionCommandTests {
    private let now = Instant(milliseconds: 1_763_881_938_123)  // 2025-11-23T07:12:18.123Z

    private func words(_ line: String...) throws -> [Word] {
        let command = try AnnalsCommand.parseAsRoot(line)
        return try #require(command as? any Question).request(now: now)
    }

    private func ending(_ line: [String]) -> AnnalsCommand.Ending? {
        do {
            var command = try AnnalsCommand.parseAsRoot(line)
            if let question = command as? any Question { _ = try question.request(now: now) } else { try command.run() }
            return nil
        } catch {
            return AnnalsCommand.Ending(error)
        }
    }

    @Test("holds name what they cover")
    func holds() throws {
        #expect(
            try words("hold", "place", "h", "--tenant", "t", "--matter", "m", "--reason", "r")
                == ["HOLD.PLACE", "h", "TENANT", "t", "MATTER", "m", "REASON", "r"])
        #expect(
            try words(
                "hold", "place", "h", "--tenant", "t", "--conversation", "c", "--sender", "s", "--from", "2018-02-03", "--until",
                "2018-02-04", "--utc", "--matter", "m", "--reason", "r")
                == [
                    "HOLD.PLACE", "h", "TENANT", "t", "CONVERSATION", "c", "SENDER", "s", "FROM", 1_517_616_000_000, "UNTIL",
                    1_517_702_400_000, "MATTER", "m", "REASON", "r",
                ])
        #expect(
            try words("hold", "place", "h", "--system", "--matter", "m", "--reason", "r")
                == ["HOLD.PLACE", "h", "SYSTEM", "MATTER", "m", "REASON", "r"])
        #expect(try words("hold", "release", "h", "--reason", "r") == ["HOLD.RELEASE", "h", "REASON", "r"])
        #expect(try words("hold", "list") == ["HOLD.LIST"])
        #expect(try words("hold", "list", "--all", "--asof", "#3") == ["HOLD.LIST", "ALL", "ASOF", "#3"])
    }

    @Test("a preview asks what the change would ask, without deciding it")
    func retention() throws {
        #expect(
            try words("retention", "set", "5y", "--tenant", "t", "--floor", "--lock", "--reason", "r", "--at", "1517630706789")
                == ["RETENTION.SET", "TENANT", "t", "5y", "FLOOR", "LOCK", "REASON", "r", "AT", 1_517_630_706_789])
        #expect(
            try words("retention", "set", "--preset", "finance", "--tenant", "t", "--reason", "r")
                == ["RETENTION.SET", "TENANT", "t", "PRESET", "finance", "REASON", "r"])
        #expect(try words("retention", "preview", "30d", "--system", "--floor") == ["RETENTION.PREVIEW", "SYSTEM", "30d", "FLOOR"])
        #expect(
            try words("retention", "preview", "--tenant", "t", "--conversation", "c", "--preset", "medical")
                == ["RETENTION.PREVIEW", "TENANT", "t", "CONVERSATION", "c", "PRESET", "medical"])
        #expect(try words("retention", "cancel", "#17", "--reason", "r") == ["RETENTION.CANCEL", 17, "REASON", "r"])
        #expect(try words("retention", "presets") == ["RETENTION.PRESETS"])
        #expect(try words("message", "t", "m", "--asof", "#3", "--explain") == ["MESSAGE.GET", "t", "m", "ASOF", "#3", "EXPLAIN"])
    }

    @Test("a purge is planned for what has expired, or for more if that is said")
    func purges() throws {
        #expect(try words("purge", "plan") == ["PURGE.PLAN"])
        #expect(try words("purge", "plan", "--sender", "s") == ["PURGE.PLAN", "SYSTEM", "SENDER", "s"])
        #expect(try words("purge", "plan", "--tenant", "t", "--all") == ["PURGE.PLAN", "TENANT", "t", "ALL"])
        #expect(
            try words("purge", "plan", "--system", "--before", "2018-02-03", "--utc")
                == ["PURGE.PLAN", "SYSTEM", "BEFORE", 1_517_616_000_000])
        #expect(try words("purge", "run", "p-1", "--confirm", "17") == ["PURGE.RUN", "p-1", "CONFIRM", 17])
        #expect(try words("purge", "status") == ["PURGE.STATUS"])
        #expect(try words("purge", "list") == ["PURGE.LIST"])
        #expect(try words("purge", "list", "-n", "3") == ["PURGE.LIST", "COUNT", 3])
        #expect(try words("purge", "confirm-clock", "--reason", "r") == ["CLOCK.CONFIRM", "REASON", "r"])
        #expect(try words("compact", "2018-02-03", "--min-gain", "20") == ["COMPACT", "2018-02-03", "MINGAIN", 20])
        #expect(try words("compact", "--all") == ["COMPACT", "ALL"])
    }

    @Test(
        "what would hold or destroy more than was said ends with 2 and says what to write",
        arguments: [
            (["hold", "place", "h", "--matter", "m", "--reason", "r"], "--tenant"),
            (["hold", "place", "h", "--tenant", "t", "--reason", "r"], "--matter"),
            (["hold", "place", "h", "--conversation", "c", "--matter", "m", "--reason", "r"], "--tenant"),
            (["hold", "place", "h", "--system", "--tenant", "t", "--matter", "m", "--reason", "r"], "not both"),
            (["hold", "place", "h", "--tenant", "t", "--from", "#3", "--matter", "m", "--reason", "r"], "needs a time"),
            (["hold", "release", "h"], "--reason"),
            (["purge", "plan", "--all"], "--tenant"),
            (["purge", "plan", "--before", "2018-02-03"], "--system"),
            (["purge", "plan", "--sender", "s", "--all"], "--system"),
            (["purge", "plan", "--tenant", "t", "--before", "2018-02-03", "--all"], "not both"),
            (["purge", "run", "p"], "--confirm"),
            (["purge", "run", "p", "--confirm", "-1"], "--confirm"),
            (["purge", "run", "p", "--confirm", "1", "--yes"], "--yes"),
            (["purge", "list", "-n", "0"], "--count"),
            (["compact"], "--all"),
            (["compact", "2018-02-03", "--all"], "--all"),
            (["compact", "--all", "--min-gain", "101"], "--min-gain"),
            (["retention", "set", "--tenant", "t", "--reason", "r"], "--preset"),
            (["retention", "set", "5y", "--preset", "medical", "--tenant", "t", "--reason", "r"], "--preset"),
            (["retention", "set", "--preset", "medical", "--floor", "--tenant", "t", "--reason", "r"], "--floor"),
            (["retention", "preview", "5y"], "--system"),
            (["retention", "cancel", "x", "--reason", "r"], "position"),
        ])
    func usage(line: [String], hint: String) {
        let ending = ending(line)
        #expect(ending?.status == 2)
        #expect(ending?.text.contains(hint) == true, "\(ending?.text ?? "")")
    }

    @Test(
        "every command has its help",
        arguments: [
            ["hold"], ["hold", "place"], ["hold", "release"], ["hold", "list"], ["purge"], ["purge", "plan"], ["purge", "run"],
            ["purge", "status"], ["purge", "list"], ["purge", "confirm-clock"], ["compact"], ["retention", "preview"],
            ["retention", "cancel"], ["retention", "presets"],
        ])
    func help(command: [String]) {
        #expect(ending(command + ["--help"])?.status == 0)
        #expect(ending(command + ["--help"])?.text.contains("OVERVIEW: ") == true)
    }

    @Test("a plan ends with the very command that runs it, and one of nothing with none")
    func planToRun() throws {
        let plan = try #require(try AnnalsCommand.parseAsRoot(["purge", "plan", "--socket", "/tmp/my annals"]) as? PurgeCommand.Plan)
        let text = try plan.show(map(["plan": "p-1", "messages": 17]), in: Sheet.file)
        #expect(text.hasSuffix("\nTo destroy this:\n    annals purge run p-1 --confirm 17 --socket '/tmp/my annals'\n"))
        #expect(try plan.show(map(["plan": "p-1", "messages": 0]), in: Sheet.file).hasSuffix("\nNothing is to be destroyed.\n"))
        #expect(throws: Trouble.unexpected(answerTo: "PURGE.PLAN")) { try plan.show(.simple("OK"), in: Sheet.file) }
    }

    @Test("an explanation that the daemon does not give is told as such")
    func noExplanation() throws {
        let command = try #require(try AnnalsCommand.parseAsRoot(["message", "t", "m", "--explain"]) as? MessageCommand)
        #expect(throws: Trouble.unexpected(answerTo: "MESSAGE.GET")) { try command.show(Sample.message(), in: Sheet.file) }
    }

    @Test("a lost answer says where to look for what became of it")
    func lost() {
        let trouble = Trouble(.unreachable, "the connection was lost").lost(afterwards: "annals purge list")
        #expect(trouble.status == .unreachable)
        #expect(trouble.sentence.contains("'annals purge list' says what became of it"))
    }
}

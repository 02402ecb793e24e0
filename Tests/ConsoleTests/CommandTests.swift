import AnnalsClient
import ArgumentParser
import Console
import Events
import Testing

struct CommandTests {
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

    @Test("what a command finds when it runs is told with its own usage")
    func ownUsage() throws {
        let ending = AnnalsCommand.Ending(ValidationError("Which archive?"), of: AuditTilesCommand.self)
        #expect(ending.status == 2)
        #expect(ending.text.hasPrefix("Error: Which archive?\nUsage: annals audit tiles "))
        #expect(ending.text.hasSuffix("\n  See 'annals audit tiles --help' for more information."))
    }

    @Test("appends are sent as they were typed")
    func appends() throws {
        #expect(try words("send", "t", "c", "--sender", "s", "hello") == ["SEND", "t", "c", "s", "*", "hello"])
        #expect(
            try words(
                "send", "t", "c", "-s", "s", "hello", "--id", "m", "--type", "image/png", "--expect", "#4", "--at", "2018-02-03 04:05",
                "--utc",
                "--client-time", "1517630706789")
                == [
                    "SEND", "t", "c", "s", "m", "hello", "TYPE", "image/png", "CLIENTTIME", 1_517_630_706_789, "EXPECT", "4", "AT",
                    1_517_630_700_000,
                ])
        #expect(try words("delete", "t", "c", "a", "b", "--viewer", "v") == ["LOCALDELETE", "t", "c", "v", "ID", "a", "b"])
        #expect(try words("delete", "t", "c", "-v", "v", "--up-to", "#9") == ["LOCALDELETE", "t", "c", "v", "UPTO", "9"])
    }

    @Test("the position of a proof may be typed as the tables show it")
    func proof() throws {
        #expect(try words("audit", "prove", "5") == ["AUDIT.PROVE", 5])
        #expect(try words("audit", "prove", "#5", "--size", "9") == ["AUDIT.PROVE", 5, "SIZE", 9])
        #expect(try words("audit", "consistency", "\(UInt64.max)") == ["AUDIT.CONSISTENCY", "18446744073709551615"])
        for text in ["##5", "#", "x", "+5", "#-5"] { #expect(ending(["audit", "prove", text])?.status == EndStatus.usage.rawValue) }
    }

    @Test("moments that are exchanged, and an earlier one that is to come, are refused before anything is asked")
    func exchanged() throws {
        func isRefused(_ start: Moment, _ end: Moment) -> Bool {
            do { try DiffCommand.check(start, before: end, now: now) } catch { return true }
            return false
        }
        let earlier = now.advanced(byMilliseconds: -1)
        #expect(!isRefused(.time(earlier), .time(now)) && !isRefused(.time(now), .time(now)))
        #expect(!isRefused(.position(100), .position(2780)) && !isRefused(.position(5), .time(now)))
        #expect(isRefused(.time(now), .time(earlier)))
        #expect(isRefused(.position(2780), .position(100)))
        #expect(isRefused(.time(now.advanced(byMilliseconds: 1)), .time(now.advanced(byMilliseconds: 2))))
    }

    @Test("questions are asked as they were typed")
    func questions() throws {
        #expect(try words("timeline", "t", "c", "-v", "v") == ["TIMELINE", "t", "c", "VIEWER", "v"])
        #expect(
            try words("timeline", "t", "c", "-v", "v", "--before", "5-7", "-n", "9", "--asof", "#3")
                == ["TIMELINE", "t", "c", "VIEWER", "v", "BEFORE", "5-7", "COUNT", 9, "ASOF", "#3"])
        #expect(try words("timeline", "t", "c", "-v", "v", "--all") == ["TIMELINE", "t", "c", "VIEWER", "v", "AFTER", "-", "COUNT", 500])
        #expect(
            try words("message", "t", "m", "--viewer", "v", "--asof", "30d ago")
                == ["MESSAGE.GET", "t", "m", "VIEWER", "v", "ASOF", "1761289938123"])
        #expect(
            try words("timeline", "t", "c", "-v", "v", "--asof", "#3", "--reason", "case 7")
                == ["TIMELINE", "t", "c", "VIEWER", "v", "REASON", "case 7", "ASOF", "#3"])
        #expect(
            try words("message", "t", "m", "-v", "v", "--asof", "#3", "--reason", "case 7")
                == ["MESSAGE.GET", "t", "m", "VIEWER", "v", "ASOF", "#3", "REASON", "case 7"])
        #expect(try words("history", "t", "m", "--reason", "case 7") == ["MESSAGE.HISTORY", "t", "m", "REASON", "case 7"])
        #expect(try words("retention", "get") == ["RETENTION.GET", "SYSTEM"])
        #expect(
            try words("retention", "history", "--tenant", "t", "--conversation", "c") == [
                "RETENTION.HISTORY", "TENANT", "t", "CONVERSATION", "c",
            ])
        #expect(
            try words("retention", "set", "5y", "--tenant", "t", "--reason", "the law")
                == ["RETENTION.SET", "TENANT", "t", "5y", "REASON", "the law"])
        #expect(try words("partitions") == ["PARTITIONS"])
        #expect(try words("status") == ["STATS"])
        #expect(try words("digest") == ["DIGEST"])
    }

    @Test(
        "what makes no sense ends with 2 and says what to write",
        arguments: [
            (["nonsense"], "nonsense"),
            (["send", "t", "c", "hello"], "--sender"),
            (["delete", "t", "c", "-v", "v"], "--up-to"),
            (["timeline", "t", "c", "-v", "v", "--before", "1-1", "--all"], "--before"),
            (["timeline", "t", "c", "-v", "v", "-n", "1001"], "--count"),
            (["timeline", "t", "c", "-v", "v", "--asof", "2018"], "asof"),
            (["timeline", "t", "c"], "--viewer"),
            (["timeline", "t", "c", "-v", "v", "--reason", "r"], "--asof"),
            (["message", "t", "m", "--reason", "r"], "--asof"),
            (["send", "t", "c", "-s", "s", "x", "--at", "#3"], "needs a time"),
            (["retention", "set", "5y", "--reason", "r"], "--system"),
            (["retention", "get", "--conversation", "c"], "--tenant"),
            (["events", "--from", "0"], "--from"),
            (["events", "--from", "3", "--last", "3"], "not both"),
            (["audit", "verify", "d", "--bodies", "--root-key-command", ""], "names no program"),
            (["audit", "verify", "d", "--bodies", "--root-key-command", "  "], "names no program"),
            (["audit", "verify", "d", "--bodies", "--root-key-file", ""], "names no file"),
            (["audit", "verify", "d", "--root-key-file", "k"], "--bodies"),
            (["audit", "verify", "d", "--cool-off-hours", "8761"], "from 0 to 8760"),
            (["audit", "verify", "d", "--root-key-command", "k"], "--bodies"),
            (["audit", "tiles", ""], "an empty name is none"),
            (["replay", "d", "--to", ""], "names no folder"),
        ])
    func usage(line: [String], hint: String) {
        let ending = ending(line)
        #expect(ending?.status == 2)
        #expect(ending?.text.contains(hint) == true, "\(ending?.text ?? "")")
    }

    @Test("help and version are no errors", arguments: [["--help"], ["help", "import"], ["--version"], ["retention", "--help"]])
    func help(line: [String]) {
        #expect(ending(line)?.status == 0)
    }

    @Test("the socket is the one named, else the environment's, else the usual one")
    func socket() throws {
        let named = try GlobalOptions.parse(["--socket", "/a"])
        let unnamed = try GlobalOptions.parse([])
        #expect(named.socketPath { _ in "/b" } == "/a")
        #expect(unnamed.socketPath { $0 == "ANNALS_SOCKET" ? "/b" : nil } == "/b")
        #expect(unnamed.socketPath { _ in "" } == GlobalOptions.socketDefault)
    }

    @Test(
        "what the daemon says becomes an exit code",
        arguments: [
            (.refused(code: "BADARG", message: "x"), .refused), (.refused(code: "DENIED", message: "x"), .refused),
            (.refused(code: "BUSY", message: "x"), .failed), (.refused(code: "READONLY", message: "x"), .failed),
            (.cannotConnect(path: "/s", reason: "x"), .unreachable), (.connectionLost(reason: "x"), .unreachable),
            (.answerUnexpected("x"), .failed),
        ] as [(AnnalsClientError, EndStatus)])
    func exitCodes(error: AnnalsClientError, status: EndStatus) {
        #expect(AnnalsCommand.Ending(Trouble(error)).status == status.rawValue)
    }

    @Test("an end of reading is silent success, and the daemon's words are harmless")
    func lastWords() {
        #expect(AnnalsCommand.Ending(Trouble(.done, "")).status == 0)
        #expect(AnnalsCommand.Ending(Trouble(.done, "")).text.isEmpty)
        #expect(AnnalsCommand.Ending(Trouble(.refused(code: "CONFLICT", message: "\u{1B}[2J"))).text == "annals: CONFLICT ␛[2J")
    }

    @Test("an import that stops says how far it came, and one with refused lines is a failure only if asked")
    func importEndings() {
        var tally = ImportTally()
        tally.accept(.send)
        let stopped = Importer.Ending(tally: tally, trouble: Trouble(.unreachable, "the connection was lost"))
        #expect(
            ImportCommand.trouble(of: stopped, isStrict: false)
                == Trouble(.unreachable, "the connection was lost (1 line confirmed, running the same import again goes on)"))
        tally.refuse(.notJSON)
        let whole = Importer.Ending(tally: tally, trouble: nil)
        #expect(ImportCommand.trouble(of: whole, isStrict: false) == nil)
        #expect(ImportCommand.trouble(of: whole, isStrict: true)?.status == .incomplete)
    }
}

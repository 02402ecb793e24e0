import Archive
import Events
import RESP

/// What client libraries say by themselves, before and around the commands that matter.
extension SessionHandler {
    /// `HELLO [2|3 [AUTH user password] [SETNAME name]]`
    func greet(_ words: borrowing CommandArguments) throws(Refusal) {
        var version = writer.version
        if words.count > 1 {
            guard let number = Decimal.read(words[1]), let asked = ProtocolVersion(rawValue: Int(number)) else {
                // Clients know this one word of Redis's and fall back to the older protocol.
                return writer.error(code: "NOPROTO", "unsupported protocol version; say 2 or 3")
            }
            version = asked
        }
        var options = Options<HelloOption>(of: "HELLO", words, from: 2)
        var name: String?
        while let option = try options.next(words) {
            switch option {
            case .auth: throw Refusal(.auth, "there are no passwords here; the kernel tells that you are \(principal)")
            case .setName: name = try words.clientName(try options.value(of: option, words))
            }
        }
        writer.version = version
        if let name { clientName = name }
        writer.map(count: 7)
        writer.key("server")
        writer.key("annals")
        writer.key("version")
        writer.bulk(Reception.version)
        writer.key("proto")
        writer.integer(version.rawValue)
        writer.key("id")
        writer.integer(number)
        writer.key("mode")
        writer.key("standalone")
        writer.key("role")
        writer.key("master")
        writer.key("modules")
        writer.array(count: 0)
    }

    private enum HelloOption: UInt8, OptionWord {
        case auth, setName

        var word: StaticString {
            switch self {
            case .auth: "AUTH"
            case .setName: "SETNAME"
            }
        }
    }

    /// `CLIENT ID | GETNAME | SETNAME name | SETINFO attribute text | NO-EVICT ON|OFF | NO-TOUCH ON|OFF`
    func client(_ words: borrowing CommandArguments) throws(Refusal) {
        if words.matches(1, "ID"), words.count == 2 {
            writer.integer(number)
        } else if words.matches(1, "GETNAME"), words.count == 2 {
            if clientName.isEmpty { writer.null() } else { writer.bulk(clientName) }
        } else if words.matches(1, "SETNAME"), words.count == 3 {
            clientName = try words.clientName(2)
            writer.simple("OK")
        } else if words.matches(1, "SETINFO"), words.count == 4, words.matches(2, "LIB-NAME") || words.matches(2, "LIB-VER") {
            writer.simple("OK")
        } else if words.matches(1, "NO-EVICT") || words.matches(1, "NO-TOUCH"), words.count == 3 {
            writer.simple("OK")
        } else {
            throw Refusal(.badArgument, Command.client.card.complaint)
        }
    }

    /// `CONFIG GET name [name …]`. redis-benchmark asks for these, to say what it measured.
    func config(_ words: borrowing CommandArguments) throws(Refusal) {
        guard words.matches(1, "GET") else { throw Refusal(.badArgument, "CONFIG knows only GET; annalsd --help lists the settings") }
        let all: [(word: StaticString, name: StaticString, value: String)] = [
            ("APPENDONLY", "appendonly", "yes"), ("APPENDFSYNC", "appendfsync", "always"), ("SAVE", "save", ""),
            ("MAXCLIENTS", "maxclients", String(desk.options.connectionsMax)), ("DATABASES", "databases", "1"),
        ]
        var known: [(StaticString, String)] = []
        for setting in all {
            for index in 2..<words.count where words.matches(index, setting.word) || words.matches(index, "*") {
                known.append((setting.name, setting.value))
                break
            }
        }
        writer.map(count: known.count)
        for (name, value) in known {
            writer.key(name)
            writer.bulk(value)
        }
    }

    /// `INFO [section …]`: all of it, whatever is asked for.
    func info() {
        let numbers = desk.numbersNow
        let seconds = desk.uptimeSeconds
        writer.verbatim(
            """
            # Server\r
            redis_version:7.0.0\r
            redis_mode:standalone\r
            annals_version:\(Reception.version)\r
            process_id:\(Reception.processID)\r
            uptime_in_seconds:\(seconds)\r
            \r
            # Clients\r
            connected_clients:\(numbers.connections)\r
            maxclients:\(desk.options.connectionsMax)\r
            \r
            # Persistence\r
            loading:0\r
            aof_enabled:1\r
            \r
            # Stats\r
            total_connections_received:\(numbers.connectionsTotal)\r
            rejected_connections:\(numbers.connectionsRefused)\r
            total_commands_processed:\(numbers.commands)\r
            \r
            # Replication\r
            role:master\r
            connected_slaves:0\r
            \r
            # Annals\r
            position:\(desk.archive.end.rawValue)\r
            commits:\(numbers.commits)\r

            """)
    }
}

extension CommandArguments {
    /// What a client calls itself: up to 128 visible characters of ASCII, as Redis has it; none at all takes the name away.
    fileprivate func clientName(_ index: Int) throws(Refusal) -> String {
        let word = self[index]
        guard word.count <= 128, word.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw Refusal(.badArgument, "name must be up to 128 visible ASCII characters")
        }
        return String(decoding: word, as: UTF8.self)
    }
}
